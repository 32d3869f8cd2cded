"""The same explorers in classic Notebook 6.5 with Colab's versions of ipywidgets, anywidget and the rest."""

import pytest

from .test_lab import (  # noqa: F401
    test_a_click_on_a_specialist_overrides_it_and_a_dropped_photo_is_restored,
    test_a_photo_of_ones_own_is_restored_and_a_broken_file_is_named,
    test_the_guide_follows_the_spot_and_a_sense_can_be_switched_off,
    test_the_playgrounds_knobs_change_picture_and_numbers,
    test_the_sliders_border_follows_the_keyboard,
    test_the_watch_draws_a_run,
)


@pytest.fixture
def server(classic):
    return classic
