"""SIGTERM and SIGHUP end a command in the way that Ctrl-C does: what is done so far is kept and reported."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""What `kill`, `timeout` and CI send, and what a terminal sends that is closed."""


class Termination:
    """While it is entered, the first of SIGNALS raises KeyboardInterrupt in the main thread; later ones do nothing.

    A signal that is ignored (as under nohup), or has a handler already, is left alone. In another thread than the main
    one, where Python can't handle signals, nothing is changed.
    """

    def __init__(self) -> None:
        self._handled: list[signal.Signals] = []

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handled = [one for one in SIGNALS if signal.getsignal(one) is signal.SIG_DFL]
            for one in self._handled:
                signal.signal(one, self._interrupt)
        return self

    def hold(self) -> None:
        """Ignore SIGNALS from here on, in processes that are started, too: what is left to do is short."""
        for one in self._handled:
            signal.signal(one, signal.SIG_IGN)

    def __exit__(self, *_: object) -> None:
        for one in self._handled:
            signal.signal(one, signal.SIG_DFL)
        self._handled = []

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.hold()
        raise KeyboardInterrupt
