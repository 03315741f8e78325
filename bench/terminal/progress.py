"""Progress of a campaign: completed tasks, remaining time and its limit, and the current task."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column

from bench.clock import now
from impls.terminal import console as standard
from impls.terminal import is_live

PLAIN_EVERY = 15.0
"""Seconds between lines where there is no terminal to redraw."""


class Progress:
    """A live line on a terminal, a plain one now and then elsewhere."""

    def __init__(self, budget: float, console: Console | None = None):
        self._console = console or standard(stderr=True)
        self._live = is_live(self._console)
        self._bar = Bar(
            BarColumn(bar_width=10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}", markup=False, table_column=Column(no_wrap=True)),
            TextColumn(
                "{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
            ),
            console=self._console,
            transient=True,
            expand=True,
            disable=not self._live,
        )
        self._budget = budget
        self._total = self._done = 0
        self._start = self._said = now()

    def begin(self, steps: int) -> None:
        self._total, self._start = steps, now()
        self._console.print(f"\nmeasuring {steps} tasks, at most {self._budget / 60:.1f} min", highlight=False)
        self._bar.start()
        self._task = self._bar.add_task("", total=steps, left="")

    def more(self, steps: int) -> None:
        """As it turns out, there are so many steps more."""
        self._total += steps
        self._bar.update(self._task, total=self._total)

    def step(self, what: str) -> None:
        """`what` begins now; what was before is done."""
        self._bar.update(self._task, description=what, completed=self._done, left=self._left())
        if not self._live and (self._done == 0 or now() - self._said > PLAIN_EVERY):
            self._said = now()
            line = f"[{self._done}/{self._total}] {self._left()}: {what}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._done += 1

    def verdict(self, line: str) -> None:
        """A verdict that is decided: it stays on the terminal."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def end(self) -> None:
        self._bar.stop()

    def _left(self) -> str:
        """What the steps that are known of will take, going by those before, and what the budget leaves at most."""
        elapsed = now() - self._start
        most = max(self._budget - elapsed, 0)
        if not self._done:
            return f"at most {most / 60:.1f} min left"
        expected = min(elapsed / self._done * (self._total - self._done), most)
        return f"{expected / 60:.1f} (at most {most / 60:.1f}) min left"
