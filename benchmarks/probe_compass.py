"""How well a compass names what it sees, and how sure it may be of it: on what it was trained on, and beyond.

Routers without a sphere are asked the same: whichever of the six places fits best. So that a margin in
degrees, a distance and a gate's score can be compared, each network's scores become probabilities by one
temperature, fitted on validation photos of the trained severities (Guo et al. 2017).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from torch import Tensor

from slerir_lite.degrade import PLACES
from slerir_lite.model import SlerIR, pad
from slerir_lite.pairs import FIVE, Pair
from slerir_lite.photo import as_photo
from slerir_lite.restore import at_rest
from slerir_lite.route import SoftmaxGate, table_from_pairings
from slerir_lite.sphere import Sense, evenness, nearness

SAME = {"clean": "clean"} | FIVE  # task: the place it belongs to
SHIFTED = {"noise15": "noise", "noise50": "noise", "rain_heavy": "rain", "haze_light": "haze",
           "haze_dense": "haze", "blur_long": "blur", "lowlight_dark": "lowlight"}  # fmt: skip
TRAINED_MIXES = ("haze+rain", "blur+noise", "lowlight+blur")
HELD_OUT_MIXES = ("rain+blur", "haze+noise", "lowlight+noise")
TASKS = (*SAME, *SHIFTED, *TRAINED_MIXES, *HELD_OUT_MIXES)
BINS = 10


@dataclass
class Reading:
    """Of one task's n photos. score: (n, 6), the best place has the highest; choice: (n, 8) experts."""

    score: np.ndarray
    choice: np.ndarray


def place_scores(model: SlerIR, sense: Sense) -> Tensor:
    """(B, 6): how well each place fits. A gate, which knows no places, is asked how well each one's row of
    the table that it was taught fits to its shares."""
    if isinstance(model.router, SoftmaxGate):
        share = model.router.scores(sense).log_softmax(-1)  # (B, L, K)
        table = table_from_pairings().to(share.device).expand(len(share), -1, -1)
        return share.gather(2, table).sum(1)
    return nearness(sense.z.float(), model.compass.centres.float())


def read(model: SlerIR, pairs: Iterable[Pair]) -> dict[str, Reading]:
    """{task: what the compass makes of its whole photos}."""
    found = {}
    with at_rest(model), torch.inference_mode():
        for pair in pairs:
            x = as_photo(pair.load()[0])[None]
            x = x.to(model.compass.centres.device, memory_format=torch.channels_last)
            sense = model.sense(x, model.compass.look(pad(x)))
            row = place_scores(model, sense)[0].cpu().numpy(), model.router(sense).choice[0].cpu().numpy()
            found.setdefault(pair.task, []).append(row)
    return {
        task: Reading(*(np.stack(part) for part in zip(*rows, strict=True))) for task, rows in found.items()
    }


def joined(found: dict[str, Reading], places: dict[str, str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores (n, 6), choices (n, 8) and labels (n,) of all the photos of some tasks."""
    tasks = [task for task in places if task in found]
    label = np.concatenate(
        [np.full(len(found[t].score), PLACES.index(places[t]), dtype=np.int64) for t in tasks]
    )
    return *(np.concatenate([getattr(found[t], name) for t in tasks]) for name in ("score", "choice")), label


def likelihood(score: np.ndarray, label: np.ndarray, temperature: float) -> float:
    """Mean -log of the probability that the right place is given."""
    return float(-log_softmax(score / temperature, axis=1)[np.arange(len(label)), label].mean())


def fitted_temperature(score: np.ndarray, label: np.ndarray) -> float:
    """The temperature at which probabilities say most of the right places."""
    found = minimize_scalar(lambda t: likelihood(score, label, np.exp(t)), bounds=(-8, 8), method="bounded")
    return float(np.exp(found.x))


def calibration_error(share: np.ndarray, label: np.ndarray) -> float:
    """Expected calibration error of (n, 6) probabilities: | how sure - how often right |, mean over bins."""
    sure, right = share.max(1), share.argmax(1) == label
    where = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [abs(sure[where == b].mean() - right[where == b].mean()) * (where == b).mean() for b in set(where)]
    return float(sum(gaps))


def stations_right(choice: np.ndarray, label: np.ndarray) -> float:
    """Share of stations (n, 8) whose expert is the one that the table gives to the photo's true place."""
    return float((choice == table_from_pairings().numpy().T[label]).mean())


def named(score: np.ndarray, choice: np.ndarray, label: np.ndarray, temperature: float) -> dict:
    """One group of photos. margin: the best place's probability less the second's, mean over photos."""
    share = np.exp(log_softmax(score / temperature, axis=1))
    first, second = np.sort(share, axis=1)[:, :-3:-1].T
    return rounded({
        "accuracy": (score.argmax(1) == label).mean(),
        "margin": (first - second).mean(),
        "calibration_error": calibration_error(share, label),
        "log_loss": likelihood(score, label, temperature),
        "stations": stations_right(choice, label),
        "photos": len(label),
    })  # fmt: skip


def mixed(found: Reading, mix: str) -> dict:
    """A mix of two: whether its nearest places are its parents, and whose specialists its stations take."""
    parents = [PLACES.index(kind) for kind in mix.split("+")]
    order = found.score.argsort(1)[:, ::-1]
    rows = table_from_pairings().numpy()[:, parents]  # (8, 2)
    of = found.choice[:, :, None] == rows
    return rounded({
        "nearest_is_a_parent": np.isin(order[:, 0], parents).mean(),
        "both_nearest": np.isin(order[:, :2], parents).all(1).mean(),
        "stations_of_a_parent": of.any(2).mean(),
        "stations_of_each": of.mean((0, 1)).tolist(),
        "photos": len(order),
    })  # fmt: skip


def spacing(middle: Tensor, linear: bool) -> dict:
    """How evenly the places (6, d) lie. On a sphere as `sphere.evenness`; in any space, the smallest of their
    distances as a share of the mean one, which is 1 for the simplex."""
    far = torch.pdist(middle.double())
    told = {} if linear else evenness(middle.cpu())
    return rounded(told | {"smallest_share": float(far.min() / far.mean())})


def compass_probe(
    model: SlerIR, pairs: Iterable[Pair], validation: Iterable[Pair], middle: Tensor | None
) -> dict:
    """All of the above. middle: (6, d) where photos of each place lie on average; None for a gate."""
    score, _, label = joined(read(model, validation), SAME)
    temperature = fitted_temperature(score, label)
    found = read(model, pairs)
    groups = {
        name: named(*joined(found, tasks), temperature)
        for name, tasks in (("same", SAME), ("shifted", SHIFTED))
    }
    tasks = {t: named(*joined(found, {t: p}), temperature) for t, p in (SAME | SHIFTED).items() if t in found}
    for task in tasks:
        counts = Counter(PLACES[k] for k in found[task].score.argmax(1))
        tasks[task]["places"] = dict(counts.most_common())
    mixes = {mix: mixed(found[mix], mix) for mix in (*TRAINED_MIXES, *HELD_OUT_MIXES) if mix in found}
    result = {"temperature": round(temperature, 6), "groups": groups, "tasks": tasks, "mixes": mixes}
    return result | ({} if middle is None else {"spacing": spacing(middle, model.config.linear)})


def rounded(row: dict) -> dict:
    """Numbers as they stand in a file."""
    return {
        k: [round(float(x), 5) for x in v]
        if isinstance(v, list)
        else v
        if isinstance(v, int)
        else round(float(v), 5)
        for k, v in row.items()
    }
