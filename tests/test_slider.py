"""The slider holds both photos as they are, and says how good they are."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from slerir_lite.evaluate import psnr
from slerir_lite.explore.slider import Slider
from slerir_lite.photo import as_bytes


def pixels(told) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(told["src"].split(",")[1]))))


def test_both_photos_are_there_without_loss(clean):
    slider = Slider(clean[0], clean[1], "hazy", "restored")
    for told, photo, name in ((slider.before, clean[0], "hazy"), (slider.after, clean[1], "restored")):
        assert np.array_equal(pixels(told), as_bytes(photo)) and told["name"] == name


def test_with_the_clean_photo_the_names_tell_psnr(clean):
    slider = Slider(clean[1], clean[0], clean=clean[0])
    assert slider.before["name"] == f"before, {psnr(as_bytes(clean[1]), as_bytes(clean[0])):.1f} dB"
    assert slider.after["name"] == "after, identical"


def test_photos_of_two_sizes_are_refused(clean):
    with pytest.raises(ValueError, match="these are 144 × 112, 140 × 112 pixels"):
        Slider(clean[0], clean[0, :, :, :140])
