"""A photo, whatever it comes as, becomes a (3, H, W) tensor in [0, 1]; and a tensor becomes a file.

Every way in checks what it got, and says what is accepted instead of restoring nonsense.
"""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from .files import write_whole

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
ROUNDING = 1e-4  # how far outside [0, 1] arithmetic may have left a value
ACCEPTED = (
    "a path, a PIL image, an array (H, W, 3) or (H, W) of uint8, uint16 or floats in [0, 1], "
    "or a tensor (3, H, W) or (1, 3, H, W) of floats in [0, 1]"
)


def as_photo(photo) -> Tensor:
    """(3, H, W) float32 in [0, 1], from a path, a PIL image, an array or a tensor (see `ACCEPTED`).

    Raises TypeError for another type or dtype, ValueError for another shape or for values that are not
    finite or not in range, and what `read_photo` raises.
    """
    if isinstance(photo, str | Path):
        return read_photo(photo)
    if isinstance(photo, Image.Image):
        return _from_pil(ImageOps.exif_transpose(photo))
    if isinstance(photo, np.ndarray):
        return _from_array(photo)
    if isinstance(photo, Tensor):
        return _from_tensor(photo)
    raise TypeError(f"A photo is {ACCEPTED}; this is a {type(photo).__name__}.")


def read_photo(path: str | Path) -> Tensor:
    """(3, H, W) float32 in [0, 1], upright (EXIF orientation applied); transparency is dropped.

    Raises FileNotFoundError, or ValueError with the file's name and what to do: for a folder, an empty
    file, something that is not an image, a damaged or cut-off image.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Name a photo in it.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes). Copy or download it again.")
    try:
        with Image.open(path) as image:
            image.load()
            image = ImageOps.exif_transpose(image)
    except PermissionError:
        raise
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{path} is not an image that can be read. JPEG, PNG, WebP, TIFF and BMP can."
        ) from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path} is too large ({error}). Scale it down first.") from error
    except Exception as error:  # on damaged bytes decoders raise nearly anything
        raise ValueError(f"{path} is damaged or cut off ({error}). Copy or download it again.") from error
    try:
        return _from_pil(image)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def list_photos(folder: str | Path) -> list[Path]:
    """The image files in a folder, sorted by name. Raises FileNotFoundError with what to do instead."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder. Give the folder that holds your photos.")
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file())
    if not files:
        raise FileNotFoundError(f"{folder} holds no photos ({', '.join(sorted(SUFFIXES))}).")
    return files


def write_photo(image: Tensor, path: str | Path, overwrite: bool = False) -> None:
    """Write (3, H, W) in [0, 1] as 8 bits in the format that the name's ending asks for; whole or not at all.

    JPEG and WebP at quality 95. Raises ValueError for an unknown ending, FileExistsError where `path`
    (perhaps the original) exists and `overwrite` is False, and OSError where it can't be written.
    """
    path = Path(path)
    kind = Image.registered_extensions().get(path.suffix.lower())
    if path.suffix.lower() not in SUFFIXES or kind is None:
        raise ValueError(
            f"{path} names no kind of image. Its ending must be one of {', '.join(sorted(SUFFIXES))}."
        )
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"quality": 95}}.get(kind, {})
    data = io.BytesIO()
    Image.fromarray(as_bytes(image)).save(data, kind, **options)
    write_whole(path, data.getvalue(), overwrite)


def as_bytes(image: Tensor) -> np.ndarray:
    """(3, H, W) in [0, 1] -> (H, W, 3) uint8, rounded to the nearest."""
    return (image.detach().float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def _from_pil(image: Image.Image) -> Tensor:
    if image.mode.startswith("I"):  # 16 bits of grey, which convert("RGB") would clip to white
        grey = np.asarray(image)
        if grey.min() < 0 or grey.max() > 65535:
            raise ValueError("An image of 32-bit integers has no agreed white. Save it with 8 or 16 bits.")
        return _from_array(grey.astype(np.uint16))
    if image.mode == "F":
        return _from_array(np.asarray(image))
    return _from_array(np.asarray(image.convert("RGB")))


def _from_array(a: np.ndarray) -> Tensor:
    if a.ndim not in (2, 3) or (a.ndim == 3 and a.shape[2] != 3):
        alpha = " Leave out the fourth channel: a[..., :3]." if a.ndim == 3 and a.shape[2] == 4 else ""
        raise ValueError(f"An array must be (H, W, 3) or (H, W), not {a.shape}.{alpha}")
    white = {"u1": 255, "u2": 65535}.get(a.dtype.str[1:])
    if white is None and a.dtype.kind != "f":
        raise TypeError(f"An array must be of uint8, uint16 or floats in [0, 1], not {a.dtype}.")
    x = torch.from_numpy(a.astype(np.float32)) / (white or 1)
    return _checked(x.permute(2, 0, 1) if a.ndim == 3 else x.expand(3, -1, -1))


def _from_tensor(x: Tensor) -> Tensor:
    if x.shape[:-3] not in ((), (1,)) or x.ndim < 3 or x.shape[-3] != 3:
        raise ValueError(f"A tensor must be (3, H, W) or (1, 3, H, W), not {tuple(x.shape)}.")
    if not x.is_floating_point():
        raise TypeError(f"A tensor must hold floats in [0, 1], not {x.dtype}. Divide bytes by 255.")
    return _checked(x.detach().reshape(x.shape[-3:]).float().cpu())


def _checked(x: Tensor) -> Tensor:
    if not x.numel():
        raise ValueError(f"A photo has at least one pixel; this one is {x.shape[2]} x {x.shape[1]}.")
    low, high = float(x.min()), float(x.max())  # either is NaN where any value is
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise ValueError("A photo's values must be finite; this one holds NaN or infinity.")
    if low < -ROUNDING or high > 1 + ROUNDING:
        hint = " Divide it by 255." if low >= 0 and 1 < high <= 255 else ""
        raise ValueError(f"Floats must lie in [0, 1]; these go from {low:.4g} to {high:.4g}.{hint}")
    return x.clamp(0, 1).contiguous()
