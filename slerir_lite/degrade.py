"""How photos break: noise, rain, haze, blur and low light; mixes of them; masks that keep one in a region.

Paper: public pairs of noisy, rainy, hazy, blurred and dark photos with their clean ones.
Ours:  the five are made from physics, so that anyone can train without a download and every photo's
       damage is known exactly. Haze follows Koschmieder's law y = t x + A (1 - t), t = exp(-beta depth).

Every degradation is a function `f(x, severity=None, *, generator=None, view=None, **physical)` which
returns `(y, did)`. `did` holds one row a photo of all its parameters. Handing it back, `f(x2, **did)`,
does damage of the same kind and strength to another view of the same photo: a crop, or a thumbnail of the
whole. So a crop's haze belongs to the depth of its photo, and a thumbnail shows the haze that the crop has.
(Only single grains of noise and single streaks are drawn anew, from the `generator`.) All of it
happens on the CPU, so that a seed does the same damage on every machine: move the result.
"""

import math

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor

from .view import View

KINDS = ("noise", "rain", "haze", "blur", "lowlight")
PLACES = ("clean", *KINDS)  # on the sphere


def _uniform(low: float, high: float, n: int, generator: torch.Generator | None) -> Tensor:
    return torch.rand(n, generator=generator) * (high - low) + low


def _column(value, n: int) -> Tensor:
    """A number or (B,) tensor as (B,), so that every parameter has one row a photo."""
    return torch.as_tensor(value, dtype=torch.float32).expand(n)


def _severity(severity, n: int, generator) -> Tensor:
    """(B,) severities in [0, 1]; drawn at random where none was given."""
    if severity is None:
        return torch.rand(n, generator=generator)
    severity = _column(severity, n)
    if not bool(((severity >= 0) & (severity <= 1)).all()):
        raise ValueError(f"severity must lie in [0, 1], not {severity.tolist()}")
    return severity


def _image(v: Tensor) -> Tensor:
    return v[:, None, None, None]  # (B,) -> (B, 1, 1, 1)


def quantise(x: Tensor) -> Tensor:
    """Clip to [0, 1] and round to 8 bits, as a saved photo is."""
    return x.clamp(0, 1).mul_(255).round_().div_(255)


def noise(x: Tensor, severity=None, *, generator=None, view: View | None = None, sigma=None):
    """Additive white Gaussian noise, then clipped and rounded to 8 bits (the all-in-one papers' protocol).

    x: (B, 3, H, W) in [0, 1]. sigma: 5 to 55 on the 0-255 scale. Returns (y, {"sigma": (B,)}).
    """
    n = len(x)
    sigma = 5 + 50 * _severity(severity, n, generator) if sigma is None else _column(sigma, n)
    # Averaging s x s pixels into one of a thumbnail leaves noise of sigma / s.
    shrink = 1.0 if view is None else view.shrink()
    spread = _image(sigma / 255 / shrink)
    return quantise(torch.randn(x.shape, generator=generator).mul_(spread).add_(x)), {"sigma": sigma}


def rain(
    x: Tensor, severity=None, *, generator=None, view: View | None = None,
    density=None, length=None, angle=None, strength=None, brightness=None, veil=None,
):  # fmt: skip
    """Falling streaks in front of a thin veil: y = (1 - v)x + .75v, then (1 - b s/2)y + b s with streaks s.

    density: drops a pixel, .003 to .022; length: 8 to 28 px; angle: radians from upright, within .6;
    strength: the streaks' opacity, .5 to .95; brightness b: .4 to .8; veil v: 0 to .18.
    x: (B, 3, H, W) in [0, 1]. Returns (y, dict of (B,) tensors).
    """
    n = len(x)
    told = all(v is not None for v in (density, length, strength, veil))
    s = None if told else _severity(severity, n, generator)
    density = 0.003 * (22 / 3) ** s if density is None else _column(density, n)
    length = 9 + 16 * s + _uniform(-1, 3, n, generator) if length is None else _column(length, n)
    angle = _uniform(-0.6, 0.6, n, generator) if angle is None else _column(angle, n)
    if strength is None:
        strength = (0.55 + 0.3 * s + _uniform(-0.1, 0.1, n, generator)).clamp(0.5, 0.95)
    strength = _column(strength, n)
    brightness = _uniform(0.4, 0.8, n, generator) if brightness is None else _column(brightness, n)
    veil = 0.15 * s + _uniform(0, 0.03, n, generator) if veil is None else _column(veil, n)
    streaks = _image(strength) * _streaks(x.shape, density, length, angle, view, generator)
    lit = _image(brightness) * streaks.clamp(0, 1)
    y = (x * (1 - _image(veil))).add_(0.75 * _image(veil))
    # Half of a streak's light hides what is behind it; the other half is added to it.
    y = y.mul_(1 - 0.5 * lit).add_(lit)
    did = dict(
        density=density, length=length, angle=angle, strength=strength, brightness=brightness, veil=veil
    )
    return y.clamp_(0, 1), did


def _streaks(shape, density, length, angle, view: View | None, generator) -> Tensor:
    """(B, 1, H, W) drops of random strength, drawn out along a line. They wrap around the edges, so that
    streaks also enter from outside the crop."""
    b, _, h, w = shape
    step = torch.ones(b, 2) if view is None else view.step
    drops = _drops(density[:, None, None] * step.prod(1)[:, None, None], (b, h, w), generator)
    # Signed distance of each pixel from the origin, in photo pixels, wrapped as the FFT sees it.
    dy = torch.fft.fftfreq(h, 1 / h)[None, :, None] * step[:, 0, None, None]
    dx = torch.fft.fftfreq(w, 1 / w)[None, None, :] * step[:, 1, None, None]
    sin, cos = angle.sin()[:, None, None], angle.cos()[:, None, None]
    along, across = dy * cos + dx * sin, dy * sin - dx * cos
    thick = 0.6 * step.mean(1)[:, None, None]
    line = torch.exp(-0.5 * (across / thick) ** 2) * (length[:, None, None] / 2 + 0.5 - along.abs()).clamp(
        0, 1
    )
    # A thumbnail's pixel holds the mean of the photo's pixels: the streak keeps its mass, spread over fewer.
    mass = length * 0.6 * math.sqrt(2 * math.pi) / step.prod(1)
    line = line * (mass / line.sum((1, 2)).clamp(min=1e-6))[:, None, None]
    return torch.fft.irfft2(torch.fft.rfft2(drops) * torch.fft.rfft2(line), s=(h, w))[:, None].clamp(min=0)


def _drops(rate: Tensor, shape, generator) -> Tensor:
    """The summed strengths, each uniform in [0, 1], of the drops that fall in each pixel; `rate` a pixel."""
    if bool((rate < 0.05).all()):  # at most one drop: the same random number says whether and how strong
        return F.relu(1 - torch.rand(shape, generator=generator) / rate)
    # A thumbnail's pixel may see several; the sum of n strengths has mean n / 2 and variance n / 12.
    count = torch.poisson(rate.expand(shape), generator=generator)
    return count * (0.5 + (torch.rand(shape, generator=generator) - 0.5) / count.clamp(min=1).sqrt())


def haze(
    x: Tensor,
    severity=None,
    *,
    generator=None,
    view: View | None = None,
    beta=None,
    air=None,
    near=None,
    depth=None,
):
    """Haze y = t x + A (1 - t) with t = exp(-beta depth); the depth belongs to the whole photo.

    beta: density, .5 to 2.4; air: the airlight A, .75 to 1, grey; near: (B, 3) the depth's foreground,
    its rise from bottom to top and that rise's power; depth: (B, 4, 4) bumps in [0, .5] on a coarse grid.
    x: (B, 3, H, W) in [0, 1]. Returns (y, did).
    """
    n = len(x)
    beta = 0.5 + 1.9 * _severity(severity, n, generator) if beta is None else _column(beta, n)
    air = _uniform(0.75, 1.0, n, generator) if air is None else _column(air, n)
    if near is None:
        near = torch.stack([_uniform(*r, n, generator) for r in ((0.05, 0.25), (0.25, 0.7), (0.8, 1.6))], 1)
    if depth is None:
        depth = torch.rand(n, 4, 4, generator=generator) * 0.5
    t = transmission(beta, near, depth, view or View.whole(x), *x.shape[-2:])
    return (x * t).add_(_image(air) * (1 - t)), dict(beta=beta, air=air, near=near, depth=depth)


def transmission(beta: Tensor, near: Tensor, depth: Tensor, view: View, height: int, width: int) -> Tensor:
    """(B, 1, height, width) share of the light that comes through the haze; arguments as in `haze`."""
    rows, columns = view.rows_and_columns(height, width)
    up = (1 - rows / view.size[:, 0, None, None]).clamp(0, 1)  # far away is usually at the top
    ramp = near[:, 0, None, None] + near[:, 1, None, None] * up ** near[:, 2, None, None]
    where = torch.stack(
        [(2 * columns / view.size[:, 1, None, None] - 1).expand(-1, height, -1),
         (2 * rows / view.size[:, 0, None, None] - 1).expand(-1, -1, width)], -1)  # fmt: skip
    bumps = F.grid_sample(depth[:, None], where, "bicubic", "border", align_corners=False).clamp(0, 0.6)
    return torch.exp(-_image(beta) * (ramp[:, None] + bumps))


def blur(
    x: Tensor, severity=None, *, generator=None, view: View | None = None,
    length=None, angle=None, bend=None, read=None,
):  # fmt: skip
    """Camera motion along a straight or curved path, plus a little sensor noise; edges are mirrored.

    length: of the path, 5 to 21 px; angle: its direction in radians; bend: how far the direction turns
    along it, within 1 radian; read: the noise's sigma on the 0-255 scale.
    x: (B, 3, H, W) in [0, 1]. Returns (y, dict of (B,) tensors).
    """
    n = len(x)
    length = 5 + 16 * _severity(severity, n, generator) if length is None else _column(length, n)
    angle = _uniform(0, math.pi, n, generator) if angle is None else _column(angle, n)
    bend = _uniform(-1, 1, n, generator) if bend is None else _column(bend, n)
    read = _uniform(0.3, 1.7, n, generator) if read is None else _column(read, n)
    step = torch.ones(n, 2) if view is None else view.step
    y = convolve(x, motion_kernel(length, angle, bend, step))
    y = torch.randn(x.shape, generator=generator).mul_(_image(read / 255 / step.prod(1).sqrt())).add_(y)
    return y.clamp_(0, 1), dict(length=length, angle=angle, bend=bend, read=read)


def motion_kernel(length: Tensor, angle: Tensor, bend: Tensor, step: Tensor | None = None) -> Tensor:
    """(B, S, S) kernels, S odd, each summing to 1: the path of a shaking camera, splatted bilinearly.

    length (px), angle, bend (radians): (B,). step: (B, 2) photo pixels per kernel pixel, default 1.
    """
    points = 96
    along = torch.linspace(-0.5, 0.5, points)
    heading = angle[:, None] + bend[:, None] * along
    path = torch.stack([heading.sin(), heading.cos()], -1).cumsum(1) * (length / points)[:, None, None]
    path = path - path.mean(1, keepdim=True)
    if step is not None:
        path = path / step[:, None, :]
    radius = int(path.abs().max().ceil()) + 1
    size = 2 * radius + 1
    path = path + radius
    low = path.floor()
    kernel = torch.zeros(len(length), size * size)
    for dy in (0, 1):
        for dx in (0, 1):
            corner_ = low + torch.tensor([dy, dx])
            weight = (1 - (path - corner_).abs()).clamp(min=0).prod(-1)
            kernel.scatter_add_(1, (corner_[..., 0] * size + corner_[..., 1]).long(), weight)
    return (kernel / kernel.sum(1, keepdim=True)).view(-1, size, size)


def convolve(x: Tensor, kernel: Tensor) -> Tensor:
    """Each image of (B, C, H, W) with its own odd (B, S, S) kernel, edges mirrored, by FFT."""
    h, w = x.shape[-2:]
    r = kernel.shape[-1] // 2
    # Mirroring can't reach further than the image does; what is beyond repeats the edge.
    ry, rx = min(r, h - 1), min(r, w - 1)
    padded = F.pad(x, (rx, rx, ry, ry), "reflect")
    if min(rx, ry) < r:
        padded = F.pad(padded, (r - rx, r - rx, r - ry, r - ry), "replicate")
    size = [next_fast_len(s, real=True) for s in padded.shape[-2:]]
    spectrum = torch.fft.rfft2(padded, s=size) * torch.fft.rfft2(kernel, s=size)[:, None]
    return torch.fft.irfft2(spectrum, s=size)[..., 2 * r : 2 * r + h, 2 * r : 2 * r + w]


def lowlight(
    x: Tensor, severity=None, *, generator=None, view: View | None = None,
    gain=None, gamma=None, photons=None, read=None,
):  # fmt: skip
    """A dark exposure: y = gain x^gamma, with shot noise of variance y / photons and read noise.

    gain: .4 down to .08; gamma: 1.5 to 2.1; photons at full white: 700 to 2000; read: sigma on the
    0-255 scale, 1 to 2. x: (B, 3, H, W) in [0, 1]. Returns (y, dict of (B,) tensors).
    """
    n = len(x)
    gain = 0.4 * 0.2 ** _severity(severity, n, generator) if gain is None else _column(gain, n)
    gamma = _uniform(1.5, 2.1, n, generator) if gamma is None else _column(gamma, n)
    photons = _uniform(700, 2000, n, generator) if photons is None else _column(photons, n)
    read = _uniform(1, 2, n, generator) if read is None else _column(read, n)
    shrink = 1.0 if view is None else _image(view.shrink())
    y = x.clamp(min=0).pow_(_image(gamma)).mul_(_image(gain))
    spread = (y / _image(photons)).add_(_image(read / 255) ** 2).sqrt_().div_(shrink)
    y = torch.randn(x.shape, generator=generator).mul_(spread).add_(y)
    return y.clamp_(0, 1), dict(gain=gain, gamma=gamma, photons=photons, read=read)


def mix(
    x: Tensor, kinds: str, severity=None, *, generator=None, view: View | None = None, did: dict | None = None
):
    """Several degradations one after another, rounded to 8 bits at the end.

    kinds: names joined by "+" in the order in which they happen ("haze+rain"); "clean" does nothing.
    severity: as for one degradation, the same for all of them. did: what an earlier call returned, to
    repeat it on another view. Returns (y, {kind: its parameters}).
    """
    done = {}
    for kind in [] if kinds == "clean" else kinds.split("+"):
        if kind not in KINDS:
            raise ValueError(f'no degradation is called "{kind}"; choose from {", ".join(KINDS)} or "clean"')
        x, done[kind] = BREAK[kind](x, severity, generator=generator, view=view, **(did or {}).get(kind, {}))
    # A thumbnail is a mean of rounded pixels, which is not itself rounded.
    return x if view is not None and bool((view.step > 1).any()) else quantise(x), done


def disc(centre: Tensor, radius: Tensor, soft: Tensor, view: View, height: int, width: int) -> Tensor:
    """(B, 1, height, width) soft-edged disc, 1 inside, 0 outside.

    centre: (B, 2) row and column as shares of the photo; radius: (B,) as a share of the square root of
    the photo's area; soft: (B,) width of the edge as a share of the radius.
    """
    rows, columns = view.rows_and_columns(height, width)
    middle = centre * view.size
    r = radius * view.size.prod(1).sqrt()
    distance = torch.hypot(rows - middle[:, 0, None, None], columns - middle[:, 1, None, None])
    return torch.sigmoid((r[:, None, None] - distance) / (soft * r)[:, None, None])[:, None]


def draw_disc(n: int, generator=None) -> dict[str, Tensor]:
    """Random arguments for `disc`: it covers about a tenth to a third of the photo."""
    return dict(
        centre=torch.rand(n, 2, generator=generator) * 0.7 + 0.15,
        radius=_uniform(0.18, 0.33, n, generator),
        soft=_uniform(0.03, 0.12, n, generator),
    )


def confine(clean: Tensor, degraded: Tensor, mask: Tensor) -> Tensor:
    """The degraded photo where mask is 1 and the clean one where it is 0, rounded to 8 bits."""
    return quantise((degraded - clean).mul_(mask).add_(clean))


BREAK = dict(noise=noise, rain=rain, haze=haze, blur=blur, lowlight=lowlight)
