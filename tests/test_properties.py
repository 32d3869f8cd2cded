"""What holds for every photo: any size, kind, layout and values, read, restored and written."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from slerir_lite.model import Config, SlerIR
from slerir_lite.photo import Picture, as_bytes, as_photo, read_picture, write_photo
from slerir_lite.restore import restore
from slerir_lite.values import as_integers, grey

torch.manual_seed(0)
MODEL = SlerIR(Config(width=8, tokens=16)).eval()
CALM = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
SIDES = st.integers(1, 40)
SIZES = st.tuples(SIDES, SIDES)


@st.composite
def arrays(draw) -> np.ndarray:
    """Any accepted array: (H, W) or (H, W, 3), every accepted type, some views that are not contiguous."""
    height, width = draw(SIZES)
    shape = (height, width, 3) if draw(st.booleans()) else (height, width)
    dtype = draw(st.sampled_from(["u1", "<u2", ">u2", "f4", "f8", "f2"]))
    bounds = {"min_value": 0, "max_value": 1} if dtype[0] == "f" else {}
    array = draw(hnp.arrays(dtype, shape, elements=hnp.from_dtype(np.dtype(dtype), **bounds)))
    layout = draw(st.sampled_from(["as it is", "fortran", "backwards", "every second"]))
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "backwards":
        return array[::-1, ::-1]
    return array.repeat(2, 0)[::2] if layout == "every second" else array


@st.composite
def tensors(draw) -> torch.Tensor:
    """Any accepted tensor, of any memory layout."""
    height, width = draw(SIZES)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    x = torch.rand(1, 3, height, width, generator=generator)
    x = draw(st.sampled_from([x, x.round(), x * 0, torch.ones_like(x)]))
    x = x.to(draw(st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16])))
    layout = draw(st.sampled_from(["plain", "channels last", "transposed"]))
    if layout == "channels last":
        x = x.to(memory_format=torch.channels_last)
    elif layout == "transposed":
        x = x.transpose(2, 3).contiguous().transpose(2, 3)
    return x if draw(st.booleans()) else x[0]


@settings(max_examples=60, **CALM)
@given(arrays())
def test_an_array_becomes_its_values(array):
    x = as_photo(array)
    white = {"u1": 255, "u2": 65535}.get(array.dtype.str[1:], 1)
    expected = np.broadcast_to((array[..., None] if array.ndim == 2 else array).astype(float) / white,
                               (*array.shape[:2], 3))  # fmt: skip
    assert x.dtype == torch.float32 and x.is_contiguous() and x.shape == (3, *array.shape[:2])
    assert np.allclose(x.permute(1, 2, 0).numpy(), expected, atol=1e-6)


@settings(max_examples=40, **CALM)
@given(st.one_of(arrays(), tensors()), st.sampled_from([0.0, 0.3, 1.0]))
def test_a_restored_photo_is_a_photo(photo, strength):
    before = photo.copy() if isinstance(photo, np.ndarray) else photo.clone()
    first, again = (restore(photo, MODEL, strength=strength) for _ in range(2))
    x = as_photo(photo)
    assert first.image.shape == x.shape and first.image.dtype == torch.float32
    assert first.image.isfinite().all() and 0 <= first.image.min() <= first.image.max() <= 1
    assert torch.equal(first.image, again.image) and first.path == again.path
    assert strength > 0 or torch.equal(first.image, x)
    assert torch.equal(as_photo(first.image), first.image)  # which can go in again
    assert (photo == before).all()


@settings(max_examples=150, **CALM)
@given(SIZES, st.booleans(), st.booleans(), st.sampled_from([8, 16]), st.integers(0, 2**31),
       st.sampled_from([".png", ".tif", ".webp"]))  # fmt: skip
def test_what_is_written_is_read_again(tmp_path, size, colour, see_through, bits, seed, suffix):
    white, rng = 2**bits - 1, np.random.default_rng(seed)
    values = rng.integers(0, white + 1, (3 if colour else 1, *size))
    kind = np.uint8 if bits == 8 else np.uint16
    alpha = rng.integers(0, white + 1, size).astype(kind) if see_through else None
    pixels = (torch.from_numpy(values).float() / white).expand(3, -1, -1).contiguous()
    given = Picture(pixels, alpha, bits, grey=not colour, lossless=True)
    lost = write_photo(pixels, tmp_path / f"a{suffix}", overwrite=True, like=given)
    got = read_picture(tmp_path / f"a{suffix}")
    if bits == 16 and suffix == ".webp":
        assert len(lost) == 1 and np.array_equal(as_bytes(got.pixels), as_integers(pixels, 8))
        return
    assert lost == [] and torch.equal(got.pixels, pixels) and got.bits == bits
    assert (got.alpha is None) == (alpha is None) and np.array_equal(got.alpha, alpha)


@settings(max_examples=40, **CALM)
@given(SIZES, st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"]),
       st.sampled_from(["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"]), st.integers(0, 2**31))  # fmt: skip
def test_whatever_pillow_writes_is_read_as_pillow_sees_it(tmp_path, size, mode, kind, seed):
    height, width = size
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    image = Image.fromarray(noise)
    for step in {"LA": ("RGBA", "LA"), "I;16": ("L", "I", "I;16")}.get(mode, (mode,)):
        image = image.convert(step)
    try:
        image.save(tmp_path / "a", kind)
    except (OSError, ValueError, KeyError):  # Pillow does not write this mode in this format
        return
    got = read_picture(tmp_path / "a")
    with Image.open(tmp_path / "a") as seen:
        if seen.mode.startswith("I"):
            expected = np.asarray(seen)[..., None] / 65535
        else:
            expected = np.asarray(seen.convert("RGB")) / 255
    assert got.pixels.shape == (3, height, width)
    assert np.allclose(got.pixels.permute(1, 2, 0).numpy(), expected, atol=1.01 / 255 if got.grey else 1e-6)


@pytest.mark.parametrize("bits", [8, 16])
def test_equal_channels_make_a_grey_of_the_same_value(bits):
    values = torch.arange(2**bits).float() / (2**bits - 1)
    image = values.view(1, 1, -1).expand(3, 1, -1)
    assert np.array_equal(as_integers(grey(image), bits)[0, :, 0], np.arange(2**bits))
