"""Termination: SIGTERM and SIGHUP end a command as Ctrl-C does: results so far are kept and reported."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""Signals of `kill`, `timeout` and CI, and of a terminal that is closed."""


class Termination:
    """A context in which the first of SIGNALS raises KeyboardInterrupt in the main thread; later ones are ignored.

    A signal that is ignored (as under nohup), or has a handler already, is unchanged. So are all signals in threads
    other than the main one, where Python cannot handle them.
    """

    def __init__(self) -> None:
        self._handled: list[signal.Signals] = []

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handled = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
            for number in self._handled:
                signal.signal(number, self._interrupt)
        return self

    def hold(self) -> None:
        """Ignore SIGNALS from here on, also in processes started later: the remaining work is short."""
        for number in self._handled:
            signal.signal(number, signal.SIG_IGN)

    def __exit__(self, *_: object) -> None:
        for number in self._handled:
            signal.signal(number, signal.SIG_DFL)
        self._handled = []

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.hold()
        raise KeyboardInterrupt
