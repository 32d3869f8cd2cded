"""What a wrong specialist costs: each is tried by hand, at one layer, while the rest of the path stays.

A cell says by how many dB the restored photo changes if that one specialist is taken instead of the router's,
which is framed and 0 by definition. Purple costs, orange gains (PuOr of ColorBrewer), and each cell says its
number, so that nothing depends on colour.
"""

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from ..model import SlerIR
from .path_map import SCALES
from .style import INK, canvas, head, plain

STRONGEST = 3.0  # dB: colours grow no stronger beyond


@torch.no_grad()
def override_costs(model: SlerIR, degraded: Tensor, clean: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One photo, (1, 3, H, W) in [0, 1], and its clean original -> (change, choice, margin).

    change: (L, K) dB that are gained or, below 0, lost, where that specialist is taken at that layer and all
    else is as the router has it; choice: (L,) int, the router's path; margin: (L,) degrees.
    The model should be in eval mode. Raises ValueError for more than one photo.
    """
    if degraded.shape != clean.shape or degraded.ndim != 4 or len(degraded) != 1:
        raise ValueError(
            f"One photo (1, 3, H, W) and its original, not {tuple(degraded.shape)} and {tuple(clean.shape)}."
        )
    own = model(degraded)
    choice, margin = own.route.choice[0], own.route.margin[0]
    layers, experts = own.route.angle.shape[1:]
    before = _psnr(own.image, clean)[0]
    change = torch.zeros(layers, experts)
    for layer in range(layers):
        others = [k for k in range(experts) if k != choice[layer]]
        paths = choice.repeat(len(others), 1)
        paths[:, layer] = torch.tensor(others, device=paths.device)
        rows = [0] * len(others)
        # What the compass sees does not change with the path: it is asked once.
        tried = model(degraded[rows], sense=own.sense[rows], choice=paths)
        change[layer, others] = (_psnr(tried.image, clean) - before).cpu()
    return change, choice.cpu(), margin.cpu()


def override_map(change, choice, title: str) -> Figure:
    """change: (L, K) dB; choice: (L,) int, the router's, framed. Raises ValueError for other shapes."""
    change, choice = np.asarray(change, float), np.asarray(choice)
    if change.ndim != 2 or choice.shape != change.shape[:1]:
        raise ValueError(f"change must be (L, K) and choice (L,), not {change.shape} and {choice.shape}.")
    layers, experts = change.shape
    figure = canvas(96 + 48 * experts)
    ax = plain(figure.subplots())
    drawn = ax.imshow(change.T, cmap="PuOr_r", vmin=-STRONGEST, vmax=STRONGEST, aspect="auto")
    for (layer, k), gain in np.ndenumerate(change):
        taken = k == choice[layer]
        ink = "white" if abs(gain) > 0.6 * STRONGEST else "black"
        words = "taken" if taken else f"{round(gain, 1) + 0.0:+.1f}"
        ax.text(layer, k, words, ha="center", va="center", color=ink, fontsize=10)
        if taken:
            frame = {"fill": False, "edgecolor": "black", "linewidth": 2}
            ax.add_patch(Rectangle((layer - 0.46, k - 0.44), 0.92, 0.88, **frame))
    scales = SCALES if layers == len(SCALES) else [""] * layers
    ax.set_xticks(range(layers), [f"{layer + 1}\n{scale}" for layer, scale in enumerate(scales)])
    ax.set_yticks(range(experts), range(experts))
    ax.set_xlabel("layer; below it the scale at which it works (share of the photo's height and width)")
    ax.set_ylabel("specialist")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    head(ax, title)
    bar = figure.colorbar(drawn, ax=ax, extend="both")
    bar.set_label("change in PSNR (dB)", color=INK)
    bar.ax.tick_params(colors=INK)
    return figure


def _psnr(image: Tensor, clean: Tensor) -> Tensor:
    """(B,) dB of restored images (B, 3, H, W), clipped, against one clean photo."""
    mse = (image.float().clamp(0, 1) - clean).square().mean((1, 2, 3))
    return -10 * mse.clamp(min=1e-10).log10()
