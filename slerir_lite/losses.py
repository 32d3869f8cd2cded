"""What training minimises.

Paper: a triplet-constrained contrastive loss with uniformity, and a restoration loss not given.
Ours:  the midpoints, the reading, their weights; and for restoration the mean over images of
       log(MSE + c) / 2. That is PSNR but for a factor and for c, so that no degradation outweighs another
       by being brighter; it beat L1 by 0.5 dB in a prototype. While a run is young c is larger, see `train`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .batch import AMOUNTS, PATH, Batch
from .data import MARGIN
from .deblur import mixture, path_shares, sharpen
from .model import SlerIR
from .route import SoftmaxGate, table_from_pairings
from .sphere import Sense, centres, midpoint_loss, nearness, triplet_loss, uniformity_loss

WEIGHTS = {"lead": 1.0, "triplet": 1.0, "uniformity": 1.0, "midpoint": 1.0, "reading": 3.0,
           "path": 0.3, "sharpness": 1.0, "gate": 1.0}  # fmt: skip


NOTHING = 1e-5  # an MSE that counts as none: 50 dB


def restoration_loss(
    restored: Tensor, clean: Tensor, moved: Tensor | None = None, nothing: float = NOTHING
) -> tuple[Tensor, Tensor]:
    """mean log(MSE + nothing) / 2 over (B, 3, H, W), and the images' mean PSNR in dB.

    moved: (B,) bool, where only the middle counts: at the border of a crop, what moved in is not seen.
    nothing: an MSE from which on an image has little left to win.
    """
    error = (restored.float() - clean).square()
    mse = error.mean((1, 2, 3))
    if moved is not None:
        mse = torch.where(moved, _middle(error), mse)
    return 0.5 * (mse + nothing).log().mean(), -10 * mse.detach().clamp(min=1e-10).log10().mean()


def _middle(error: Tensor) -> Tensor:
    """(B,) means over what no motion from outside the crops (B, 3, H, W) reaches, or half their width."""
    edge = min(MARGIN, min(error.shape[-2:]) // 4)
    return error[..., edge : error.shape[-2] - edge, edge : error.shape[-1] - edge].mean((1, 2, 3))


def compass_loss(
    model: SlerIR, batch: Batch, local: Tensor, sense: Sense, lead: float = 0.0
) -> dict[str, Tensor]:
    """The compass's losses by name; local: (B, D, h, w) tokens; sense: one row a crop.

    A crop is placed twice, as part of its photo and as a photo of its own: small photos exist.

    lead: weight of the lead, cross-entropy to `model.compass.centres`, which keeps the mined triplets from
    pulling everything into one point before there is anything to mine.
    """
    alone = model.sense(batch.degraded, local.float())
    z = torch.cat([sense.z, alone.z])
    share = batch.place.repeat_interleave(2, 0).repeat(2, 1)
    label = share.argmax(1)
    pure = share.amax(1) == 1
    linear = model.config.linear
    middle, seen = centres(z[pure], label[pure], linear=linear)
    return {
        "lead": lead * F.cross_entropy(nearness(z, model.compass.centres) / 0.15, share),
        "triplet": triplet_loss(z[pure], label[pure]),
        "uniformity": uniformity_loss(middle[seen]),
        "midpoint": midpoint_loss(
            z, share, torch.where(seen[:, None], middle, model.compass.centres), linear
        ),
        "reading": F.smooth_l1_loss(model.compass.read(local.float()), batch.amounts, beta=0.1),
    }


def motion_loss(model: SlerIR, batch: Batch, local: Tensor) -> dict[str, Tensor]:
    """What `deblur` is to learn, by name; local: (B, D, h, w) tokens, which say where blur is seen.

    path: cross-entropy to the true paths, over crops that are blurred at least by half, or not at all.
    sharpness: log of what share of the error the chosen filters leave, over photos that are only blurred
    and perhaps noisy: where it is dark besides, the clean photo is no goal for a filter.
    """
    path, strength = model.deblur(batch.degraded, model.blurred(local))
    weight = mixture(path.exp(), strength)
    motion = batch.motion.repeat_interleave(2, 0)
    length = batch.amounts[:, AMOUNTS.index("blur length")].mean((1, 2)) * PATH
    clear = length >= motion[:, 0] / 2
    told = -(path_shares(motion) * path).sum(1)
    rows = [r for p, kinds in enumerate(batch.kinds) if kinds.startswith("blur") for r in (2 * p, 2 * p + 1)]
    rows = torch.tensor(rows, dtype=torch.long, device=path.device)
    rows = rows[clear[rows]]
    left = path.sum() * 0
    if len(rows):
        x, y = batch.degraded[rows], batch.clean[rows]
        after, before = (_middle((v - y).square()) + 1e-5 for v in (sharpen(x, weight[rows]), x))
        left = (after / before).log().mean()
    # A small batch may have blur only beside its crops; the mean of nothing would be NaN for ever after.
    return {"path": told[clear].mean() if clear.any() else path.sum() * 0, "sharpness": left}


def gate_loss(gate: SoftmaxGate, sense: Sense, share: Tensor) -> dict[str, Tensor]:
    """Cross-entropy of a softmax gate, a rival, to the table that the pins begin with: it has no places.

    share: (B, 6) of the places; a mix has half of either parent's specialist.
    """
    told = F.one_hot(table_from_pairings(), gate.experts).to(share)  # (L, 6, K)
    goal = torch.einsum("bp,lpk->blk", share, told)
    return {"gate": -(goal * gate.scores(sense).log_softmax(-1)).sum(-1).mean()}


def weighted(parts: dict[str, Tensor], weights: dict[str, float] = WEIGHTS) -> Tensor:
    """The sum of what `compass_loss`, `motion_loss` and `gate_loss` returned, each part by its weight."""
    return sum(weights[name] * value for name, value in parts.items())
