"""Progress over all nodes on one screen: what each node runs, and how many units are done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table

from fleet.engine import Attempt, Offer
from fleet.part import Ended
from fleet.work import ACCEPTED, Work
from impls.terminal import console as standard
from impls.terminal import is_live
from results.units import elapsed

LABEL_WIDTH = 44


class Screen:
    """A table on a terminal, redrawn; elsewhere a line for each attempt that ends. Failures stay in view as lines."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic):
        self._console = console or standard(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True) if is_live(self._console) else None
        self._clock = clock
        self._begun: dict[tuple[str, int], float] = {}
        if self._live:
            self._live.start()

    def changed(self, works: Sequence[Work], running: Sequence[Attempt], offers: Sequence[Offer]) -> None:
        for attempt in running:
            self._begun.setdefault(attempt.key, self._clock())
        if self._live:
            self._live.update(self._table(works, running, offers), refresh=True)

    def ended(self, work: Work, attempt: Attempt | None, ended: Ended, outcome: str) -> None:
        unit = next(unit for unit in work.units if unit.id == ended.unit)
        done, total = len(work.units) - len(work.open), len(work.units)
        line = f"[{done}/{total}] {ended.node or 'a node'}: {unit.label}: {outcome}"
        if ended.seconds is not None:
            line += f" after {elapsed(ended.seconds)}"
        if outcome != ACCEPTED:
            line += f": {ended.reason}" if ended.reason else ""
        if outcome != ACCEPTED or not self._live:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        if self._live:
            self._live.stop()

    def _table(self, works: Sequence[Work], running: Sequence[Attempt], offers: Sequence[Offer]) -> Table:
        done = sum(len(work.units) - len(work.open) for work in works)
        total = sum(len(work.units) for work in works)
        table = Table(title=f"{done} of {total} units done", title_justify="left", box=None, pad_edge=False)
        for name in ("node", "unit", "attempt", "for"):
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        here = {attempt.node for attempt in running}
        for attempt in running:
            spent = elapsed(self._clock() - self._begun[attempt.key])
            table.add_row(attempt.node or "?", attempt.unit.label[:LABEL_WIDTH], str(attempt.number), spent)
        for offer in offers:
            if offer.id not in here:
                table.add_row(offer.id, "idle", "", "")
        return table
