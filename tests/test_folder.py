"""A folder becomes a crowd: every photo, with the label that its name holds."""

import pytest
import torch

from slerir_lite.explore.folder import label, labelled_photos
from slerir_lite.photo import as_bytes, as_photo


@pytest.mark.parametrize(
    "stem, said",
    [("pavilion__haze+rain", "haze+rain"), ("a__b__noise_corner", "noise_corner"), ("rain_012", "rain"),
     ("my cat (3)", "my cat"), ("haze", "haze"), ("me__rain_7", "rain"), ("0042", "photo")],
)  # fmt: skip
def test_a_files_name_says_what_it_shows(stem, said):
    assert label(stem) == said


def test_all_photos_of_a_folder_come_scaled_down_and_nothing_else(clean, tmp_path):
    from PIL import Image

    for name, photo in (("b__haze.png", clean[0]), ("a__rain.png", clean[1])):
        Image.fromarray(as_bytes(photo)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no photo")
    photos, labels = labelled_photos(tmp_path, longest=1000)
    assert labels == ["rain", "haze"]
    assert torch.equal(photos[0], as_photo(clean[1])) and torch.equal(photos[1], as_photo(clean[0]))
    assert all(max(photo.shape) == 64 for photo in labelled_photos(str(tmp_path), longest=64)[0])


def test_a_folder_without_photos_and_a_broken_photo_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no photos"):
        labelled_photos(tmp_path)
    (tmp_path / "torn.png").write_bytes(b"torn")
    with pytest.raises(ValueError, match="torn.png"):
        labelled_photos(tmp_path)
