"""Ctrl-C that waits for a good moment, so that stopping a long run loses nothing."""

import signal
import threading


class HeldBack:
    """In `with HeldBack() as ctrl_c:` the first Ctrl-C only sets `ctrl_c.pressed`; a second stops at once.

    The work looks at `pressed` where it can stop, tidies up and raises KeyboardInterrupt. Where it does not,
    KeyboardInterrupt comes at the end of the block.

    active=False changes nothing, as does a thread other than the main one (signals never reach it) and a
    program that handles Ctrl-C in its own way already.
    """

    def __init__(self, active: bool = True):
        ours = threading.current_thread() is threading.main_thread()
        self.pressed = False
        self.active = active and ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def __enter__(self) -> "HeldBack":
        if self.active:
            signal.signal(signal.SIGINT, self._first)
        return self

    def _first(self, *_) -> None:
        self.pressed = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, kind, *_) -> None:
        if self.active:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self.pressed and kind is None:
            raise KeyboardInterrupt
