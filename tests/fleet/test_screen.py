from __future__ import annotations

import io

from rich.console import Console

from bench.launch.fake import VirtualClock
from fleet.driver import Driver
from fleet.screen import Screen
from fleet.work import Work
from tests.support.fleet.fakes import FAILED, FakeEngine, Fate, RecordingSink, Stay, offer, unit


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(tmp_path, terminal: bool) -> str:
    output, clock = Terminal() if terminal else io.StringIO(), VirtualClock()
    console = Console(file=output, force_terminal=terminal, width=80, color_system=None)
    engine = FakeEngine(
        [Stay(offer("n1")), Stay(offer("n2"))], lambda one: Fate(FAILED if one.number == 1 else Fate().outcome), clock
    )
    screen = Screen(console, clock)
    with Work(RecordingSink(tmp_path), [unit("a [bold] name")]) as work:
        Driver(engine, [work], screen, clock=clock).run()
    return output.getvalue()


def test_elsewhere_than_on_a_terminal_each_end_is_a_line(tmp_path):
    assert shown(tmp_path, terminal=False) == (
        "[0/1] n1: a [bold] name: failed after 1 s: planted: failed\n[1/1] n2: a [bold] name: accepted after 1 s\n"
    )


def test_a_terminal_shows_nodes_and_keeps_failures(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    text = shown(tmp_path, terminal=True)
    assert "0 of 1 units done" in text
    assert "idle" in text
    assert "[0/1] n1: a [bold] name: failed after 1 s: planted: failed" in text
    assert "accepted" not in text
