"""Progress while trials run: how far all of it is, what runs now, how much longer; plain lines without a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from impls.terminal import console, is_live

PLAIN_EVERY = 30.0
"""Seconds between lines where there is no terminal to redraw."""


class Meter:
    """Work is counted in multiply-accumulates, so that a large trial counts for more than a small one.

    Quiet: only what went wrong is said.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._console, self._quiet = console(stderr=True), quiet
        self._live = is_live(self._console)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            transient=True,
            disable=quiet or not self._live,
        )
        self._work: dict[str, float] = {}
        self._shares: dict[str, float] = {}
        self._start = self._said = monotonic()

    def begin(self, what: str, work: Mapping[str, float]) -> None:
        """A set of trials begins: how much work each is, by its id."""
        self._work, self._shares, self._start = dict(work), {}, monotonic()
        if not self._quiet:
            self.say(f"{what}: {len(work)} trials")
        self._bar.start()
        self._line = self._bar.add_task(what, total=1.0, left="")

    def tell(self, id: str, share: float) -> None:
        """A trial is so far."""
        self._shares[id] = share
        done = sum(share * self._work[id] for id, share in self._shares.items()) / (sum(self._work.values()) or 1)
        left = (monotonic() - self._start) / done * (1 - done) if done else 0.0
        ended = sum(share >= 1 for share in self._shares.values())
        state = f"{ended} of {len(self._work)} trials, about {left / 60:.1f} min left"
        self._bar.update(self._line, completed=done, left=state)
        plain = not (self._quiet or self._live)
        if plain and monotonic() - self._said > PLAIN_EVERY:
            self._said = monotonic()
            self.say(f"[{100 * done:.0f} %] {state}")

    def end(self) -> None:
        self._bar.remove_task(self._line)
        self._bar.stop()

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
