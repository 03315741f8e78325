"""What a user types: every function that reads it gives a value, or says in one line what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.plan import interpreters, streams, suite
from bench.plan.parse import parse_contestant, parse_devices, parse_size
from bench.validation import selftest
from impls.errors import DeadheatError, InvalidInput
from repro.cli import paths
from results.units import seconds, seconds_or_none, share, size

NUMBERS = {"seconds": seconds, "seconds_or_none": seconds_or_none, "share": share, "size": size}
OTHERS: dict[str, Callable[[str], object]] = {
    "parse_size": parse_size,
    "parse_devices": parse_devices,
    "stream": lambda text: streams.parts(text, 3, 0),
    "stream's numbers": lambda text: streams.parts(f"random-{text}-7", 3, 0),
    "interpreter": interpreters.parse,
    "contestant": parse_contestant,
    "contestant of the selftest": selftest.known_contestant,
    "data": lambda text: paths([text]),
}
DIGITS = st.text("0123456789²٣½.", min_size=1, max_size=8)
TYPED = st.text() | DIGITS | st.from_regex(r"[0-9²٣.]{1,400}(x[0-9²]+|e9+| ?%|[smh]|GiB)?", fullmatch=True)
FAR = "9" * 5000


def read(parse: Callable[[Any], Any], typed: Any) -> Any:
    """What it is read as, or how it is refused; any other exception fails the test."""
    try:
        return parse(typed)
    except DeadheatError as refusal:
        return refusal


def is_one_line(found: Any) -> bool:
    return isinstance(found, DeadheatError) and "\n" not in str(found)


@pytest.mark.parametrize("name", NUMBERS)
@settings(deadline=None)
@given(TYPED | st.integers() | st.floats())
@example("²²⁴")
@example(FAR)
@example(f"{FAR}GiB")
@example(10**400)
@example(math.nan)
@example(f"{'9' * 308}h")
def test_a_number_is_finite_or_refused(name: str, typed: str | float) -> None:
    found = read(NUMBERS[name], typed)
    assert is_one_line(found) or 0 <= found < math.inf


@pytest.mark.parametrize("name", OTHERS)
@settings(deadline=None)
@given(TYPED)
@example("²²⁴")
@example("224x²")
@example(FAR)
@example("always-2²")
def test_what_is_typed_is_read_or_refused(name: str, typed: str) -> None:
    found = read(OTHERS[name], typed)
    assert is_one_line(found) or not isinstance(found, Exception)


@pytest.mark.parametrize("text", ["²²⁴", "٣٢", "224x²", "2_24", "+224", FAR, "", "x", "1x2x3"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInput, match="^size .* is neither a positive number of pixels nor HEIGHTxWIDTH"):
        parse_size(text)


def kept(folder: Path, content: bytes) -> str:
    file = folder / "my.toml"
    file.write_bytes(content)
    return str(file)


GOOD = 'title = "é"\ncontestants = ["pytorch:eager"]\n[[workloads]]\narchitectures = ["lenet5"]\nbatches = [1]\n'


def test_a_suite_with_a_byte_order_mark_is_the_suite_without(tmp_path: Path) -> None:
    plain = suite.load_suite(kept(tmp_path, GOOD.encode()))
    assert suite.load_suite(kept(tmp_path, GOOD.encode("utf-8-sig"))) == plain
    assert plain.title == "é"


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_suite_that_is_not_utf8_says_so(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(DeadheatError, match="^my.toml: not UTF-8 text, at byte .*; save it as UTF-8$"):
        suite.load_suite(kept(tmp_path, GOOD.encode(encoding)))


@pytest.mark.parametrize("value", [FAR, f"0x{'f' * 5000}", "[" * 10_000, "inf", "nan", '"\\u00b2"'])
@pytest.mark.parametrize("key", ["memory", "budget", "target", "launches", "seed"])
def test_a_suite_with_a_number_that_cannot_be_is_refused(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(DeadheatError, match="^my.toml: "):
        suite.load_suite(kept(tmp_path, f"{key} = {value}\n{GOOD}".encode()))


@settings(deadline=None)
@given(st.binary() | st.text().map(str.encode))
def test_a_suite_of_any_bytes_is_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    with pytest.raises(DeadheatError) as refused:
        suite.load_suite(kept(tmp_path_factory.getbasetemp(), content))
    assert "\n" not in str(refused.value)
