"""Where output goes: encodings that lack characters, readers that end, disks that are full, logs without a terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from impls import command, terminal
from impls.command import ExitStatus
from results.store.campaigns import CampaignWriter
from tests.support.made_up import SYSTEM, lively_records
from tests.support.preloaded import run_module
from tests.support.started import ROOT, Started, environment, tiny

ENCODINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "the C locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""},
}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its notes and cells have the characters of every table."""
    writer = CampaignWriter.create(tmp_path_factory.mktemp("data"), "lively", SYSTEM)
    writer.append(lively_records())
    writer.close()
    return writer.folder


def called(
    *arguments: str | Path, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    line = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, env={**environment(), **variables}, stdout=stdout, stderr=stderr)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_table_is_printed_in_every_encoding(campaign: Path, encoding: str) -> None:
    done = called("bench", "show", campaign, **ENCODINGS[encoding])
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding if encoding != "the C locale" else "ascii")
    assert "->" in text or "→" in text


COMMANDS = {
    "list": ("bench", "list"),
    "describe": ("bench", "describe", "alexnet"),
    "doctor": ("bench", "doctor", "--seconds", "0.5"),
    "claims": ("repro", "list"),
    "help": ("bench", "--help"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_fails_because_of_an_encoding(name: str) -> None:
    """In a fork, which has streams of that encoding: how an interpreter begins with it, the test before shows."""
    done = run_module(COMMANDS[name], ROOT, {**environment(), "PYTHONIOENCODING": "ascii"})
    assert done.returncode in (ExitStatus.OK, ExitStatus.FINDINGS)
    assert done.stderr == ""
    assert done.stdout
    assert done.stdout.isascii()


def test_json_is_json_in_every_encoding(campaign: Path) -> None:
    done = called("bench", "show", campaign, "--json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["campaign"] == "lively"


def test_a_campaign_ends_with_its_table_where_the_output_is_ascii(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    started = Started(tmp_path, tiny("outside:loop"), "--json", str(tmp_path / "summary.json"), simulated=True)
    said = started.output()
    assert started.process.returncode == 0, said
    assert "\n  -> " in said
    assert "results: " in said
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["stop"] == "complete"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("×1.02 ±2 % → µs", b"x1.02 +-2 % -> us"), ("漢", b"?"), ("a\udce9b", b"a\xe9b"), ("\ud800", b"?")],
)
def test_what_stands_for_a_character_that_is_not_there(text: str, expected: bytes) -> None:
    assert text.encode("ascii", terminal.ERRORS) == expected


def test_every_character_of_our_own_messages_has_a_substitute() -> None:
    ours = [path for package in ("impls", "bench", "results", "repro") for path in (ROOT / package).rglob("*.py")]
    used = {character for path in ours for character in path.read_text(encoding="utf-8") if ord(character) > 127}
    assert used
    assert used <= set(terminal.SUBSTITUTES)


LONG = ("bench", "list"), ("repro", "data"), ("reports", "--help")


@pytest.mark.parametrize("arguments", LONG)
def test_a_reader_that_ends_is_no_fault(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = called(*arguments, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (ExitStatus.CUT, b"")


def test_nor_is_one_of_errors() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = called("bench", "describe", "nowhere", stderr=writing)
    os.close(writing)
    assert done.returncode == ExitStatus.CUT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("arguments", LONG)
def test_a_full_disk_is_one_line_and_a_status(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = called(*arguments, stdout=full.fileno())
    assert done.returncode == ExitStatus.USAGE_ERROR
    assert done.stderr == b"error: the output can't be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_errors_that_cannot_be_written_still_have_their_status() -> None:
    with open("/dev/full", "wb") as full:
        assert called("bench", "describe", "nowhere", stderr=full.fileno()).returncode == ExitStatus.USAGE_ERROR


def test_streams_that_write_to_no_file_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with terminal.outputs():
        assert type(sys.stdout) is io.StringIO


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "file", "live"),
    [
        ({}, Terminal, True),
        ({}, io.StringIO, False),
        ({"FORCE_COLOR": "1"}, Terminal, True),
        ({"FORCE_COLOR": "1"}, io.StringIO, False),
        ({"TTY_COMPATIBLE": "1"}, io.StringIO, False),
        ({"TERM": "dumb"}, Terminal, False),
        ({"CI": "true"}, Terminal, False),
    ],
)
def test_only_a_terminal_is_redrawn(
    variables: dict[str, str], file: type[io.StringIO], live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "CI", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.is_live(Console(file=file())) is live


def test_force_color_colours_a_log_and_leaves_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    out = terminal.console()
    assert (out.is_terminal, out.width) == (True, terminal.WIDTH)


def test_a_program_ends_with_the_status_of_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "describe", "nowhere"])
    with pytest.raises(SystemExit) as end:
        command.main("bench.cli", "python -m bench")
    assert end.value.code == ExitStatus.USAGE_ERROR
