"""The first Ctrl-C waits, the second does not, and afterwards all is as it was."""

import signal
import threading

import pytest

from slerir_lite.interrupt import HeldBack


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def handler():
    return signal.getsignal(signal.SIGINT)


def test_the_first_is_held_back_until_the_end():
    done = []
    with pytest.raises(KeyboardInterrupt):
        with HeldBack() as ctrl_c:
            assert not ctrl_c.pressed
            press()
            done.append(ctrl_c.pressed)
    assert done == [True] and handler() is signal.default_int_handler


def test_the_second_stops_at_once():
    done = []
    with pytest.raises(KeyboardInterrupt):
        with HeldBack():
            press()
            done.append(1)
            press()
            done.append(2)
    assert done == [1] and handler() is signal.default_int_handler


@pytest.mark.parametrize("pressed", [False, True])
def test_an_error_is_not_hidden(pressed):
    with pytest.raises(ZeroDivisionError):
        with HeldBack():
            if pressed:
                press()
            raise ZeroDivisionError
    assert handler() is signal.default_int_handler


def test_nothing_pressed_nothing_raised():
    with HeldBack() as ctrl_c:
        pass
    assert not ctrl_c.pressed and handler() is signal.default_int_handler


def test_inactive_it_leaves_ctrl_c_alone():
    done = []
    with pytest.raises(KeyboardInterrupt):
        with HeldBack(active=False):
            press()
            done.append(1)
    assert not done


def test_a_programs_own_way_is_left_alone():
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    try:
        own = handler()
        with HeldBack() as ctrl_c:
            press()
        assert pressed == [1] and not ctrl_c.pressed and handler() is own
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_it_does_nothing():
    found = []

    def work():
        with HeldBack() as ctrl_c:
            found.append((ctrl_c.pressed, handler()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(False, signal.default_int_handler)]
