"""Photos as a web page takes them: a picture that carries its own data, and the difference of two."""

import base64
import io

import torch
from PIL import Image
from torch import Tensor

from ..photo import as_bytes, as_photo

GAIN = 4  # how much stronger a difference is drawn than it is


def source(photo: Tensor) -> str:
    """(3, H, W) in [0, 1] -> a data: URI of a PNG, exact to the grey level."""
    return f"data:image/png;base64,{base64.b64encode(as_png(photo)).decode()}"


def as_png(photo: Tensor) -> bytes:
    """(3, H, W) in [0, 1] -> a PNG, exact to the grey level, packed quickly rather than small."""
    file = io.BytesIO()
    Image.fromarray(as_bytes(photo)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def small_source(photo: Tensor, most: int = 450_000) -> str:
    """As `source`, with at most that many bytes before encoding: as a JPEG and smaller, where it must be."""
    content, kind, image = as_png(photo), "png", Image.fromarray(as_bytes(photo))
    quality = 95
    while len(content) > most:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        content, kind = file.getvalue(), "jpeg"
        if quality > 75:
            quality -= 10
        else:
            image = image.resize([max(1, n * 3 // 4) for n in image.size], Image.Resampling.LANCZOS)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def tiny_source(photo, side: int = 96) -> str:
    """A photo, as `as_photo` takes it -> a data: URI of a small JPEG, at most `side` pixels: 1 to 3 KB."""
    image, file = Image.fromarray(as_bytes(as_photo(photo))), io.BytesIO()
    image.thumbnail((side, side))
    image.save(file, "JPEG", quality=50, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def difference(one: Tensor, other: Tensor) -> Tensor:
    """(3, H, W) in [0, 1]: grey where both are the same, brighter where `one` is; drawn 4 times stronger."""
    return torch.clamp(0.5 + GAIN * (one - other), 0, 1)
