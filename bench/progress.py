"""Progress while a campaign runs: what, how far, how much longer."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from bench.clock import now

PLAIN_EVERY = 15.0
"""Seconds between lines where there is no terminal to redraw."""


class Progress:
    """A live bar on a terminal, a plain line now and then elsewhere."""

    def __init__(self, budget: float):
        self._console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}", table_column=None),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._budget = budget
        self._total = self._done = 0
        self._start = self._said = now()

    def begin(self, steps: int) -> None:
        self._total, self._start = steps, now()
        self._console.print(f"\nmeasuring, at most {self._budget / 60:.1f} minutes, {steps} steps", highlight=False)
        self._bar.start()
        self._task = self._bar.add_task("", total=steps)

    def more(self, steps: int) -> None:
        """As it turns out, there are so many steps more."""
        self._total += steps
        self._bar.update(self._task, total=self._total)

    def step(self, what: str) -> None:
        """`what` begins now; what was before is done."""
        self._bar.update(self._task, description=what, completed=self._done)
        if not self._console.is_terminal and (self._done == 0 or now() - self._said > PLAIN_EVERY):
            self._said = now()
            line = f"[{self._done}/{self._total}] {self._left()}{what}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._done += 1

    def end(self) -> None:
        self._bar.stop()

    def _left(self) -> str:
        if not self._done:
            return ""
        elapsed = now() - self._start
        left = min(elapsed / self._done * (self._total - self._done), self._budget - elapsed)
        return f"about {max(left, 0) / 60:.1f} min left: "
