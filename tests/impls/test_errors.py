"""What is said in one line of an exception, and of a process by its log: the cause has to be in it."""

from __future__ import annotations

import subprocess

import pytest

from impls.errors import DeadheatError, is_out_of_memory, one_line
from impls.log import last_log_line
from tests.support.exceptions import NOT_OF_MEMORY, SHORT_OF_MEMORY

COMPILER = """C++ compile error

Command:
g++ -O3 /tmp/kernel.cpp

Output:
In file included from /tmp/kernel.cpp:1:
/tmp/kernel.h:2:10: fatal error: omp.h: No such file or directory
    2 | #include <omp.h>
"""
LINKER = "C++ compile error\n\nCommand:\ng++ x.cpp\n\nOutput:\n/usr/bin/ld: cannot find -lgomp\nld returned 1\n"
GRAPH = (
    "Graph execution error:\n\nDetected at node step defined at (most recent call last):\n"
    "<stack traces unavailable>\nOOM when allocating tensor\n\t [[{{node step}}]]"
)
STATE = "Error(s) in loading state_dict for Net:\n\tMissing key(s) in state_dict: 'fc.weight'.\n\tUnexpected key(s)"


class Wordless(Exception):
    """Its text cannot be had: the library that has it fails, too."""

    def __str__(self) -> str:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


def raised(problem: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise problem from cause
    except BaseException as caught:
        return caught


SAID = {
    "a message": (ValueError("no such layer"), "ValueError: no such layer"),
    "a message of our own": (
        DeadheatError("unknown suite 'x': known: y"),
        "DeadheatError: unknown suite 'x': known: y",
    ),
    "the first of two lines": (ValueError("shapes differ\nsee the manual"), "ValueError: shapes differ"),
    "a compiler's error": (
        RuntimeError(COMPILER),
        "RuntimeError: C++ compile error … /tmp/kernel.h:2:10: fatal error: omp.h: No such file or directory",
    ),
    "a linker that says no error": (
        RuntimeError(LINKER),
        "RuntimeError: C++ compile error … /usr/bin/ld: cannot find -lgomp",
    ),
    "headings": (RuntimeError(GRAPH), "RuntimeError: Graph execution error: … OOM when allocating tensor"),
    "a heading": (
        RuntimeError(STATE),
        "RuntimeError: Error(s) in loading state_dict for Net: … Missing key(s) in state_dict: 'fc.weight'.",
    ),
    "a command": (
        subprocess.CalledProcessError(1, ["cc"], stderr=b"x.c:1:1: error: unknown type name"),
        "CalledProcessError: Command '['cc']' returned non-zero exit status 1. … x.c:1:1: error: unknown type name",
    ),
    "no message and no place": (AssertionError(), "AssertionError"),
    "a group": (
        ExceptionGroup("two failed here", [ValueError("no such layer"), KeyError(3)]),
        "ExceptionGroup: two failed here (2 sub-exceptions); the first: ValueError: no such layer",
    ),
    "a long line": (ValueError("word " * 200), f"ValueError: {('word ' * 200)[:250]}…"),
}


@pytest.mark.parametrize("case", SAID)
def test_the_line_of_an_exception_holds_its_cause(case):
    problem, line = SAID[case]
    assert one_line(problem) == line


PLACED = {
    "no message": (AssertionError(), "AssertionError"),
    "a key": (KeyError("fc6.weight"), "KeyError: 'fc6.weight'"),
    "a number": (ValueError(3), "ValueError: 3"),
    "only that it failed": (RuntimeError("Compilation failed"), "RuntimeError: Compilation failed"),
    "a text that fails": (Wordless(), "Wordless"),
}


@pytest.mark.parametrize("case", PLACED)
def test_where_the_message_says_little_the_place_and_its_source_are_said(case):
    problem, start = PLACED[case]
    line = one_line(raised(problem))
    assert line.startswith(f"{start} (")
    assert line.endswith(" in raised: raise problem from cause)")
    assert "test_errors.py:" in line
    assert not line.startswith(f"{start} (/"), "no path of this machine"


@pytest.mark.parametrize("explicit", [True, False], ids=["from", "while handling"])
def test_the_cause_of_an_exception_that_says_nothing_is_said(explicit):
    cause = ValueError("the driver is too old")
    problem = AssertionError()
    if explicit:
        problem.__cause__ = cause
    else:
        problem.__context__ = cause
    assert one_line(problem) == "AssertionError, from ValueError: the driver is too old"
    problem.__cause__, problem.__suppress_context__ = None, True
    assert one_line(problem) == "AssertionError"


TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    import y\n'
LOGS = {
    "the last line": ("loading\nlost the device\n", "lost the device"),
    "an exception": (f"{TRACE}ModuleNotFoundError: No module named 'y'\n", "ModuleNotFoundError: No module named 'y'"),
    "an exception of many lines": (
        f"{TRACE}ImportError: the C extensions:\n\n  libfoo.so is missing\n\nSee the manual.\n",
        "ImportError: the C extensions: … libfoo.so is missing",
    ),
    "a compiler's error": (
        f"{TRACE}RuntimeError: {COMPILER}",
        "RuntimeError: C++ compile error … /tmp/kernel.h:2:10: fatal error: omp.h: No such file or directory",
    ),
    "the last of two exceptions": (f"{TRACE}KeyError: 'a'\n\nlater\n{TRACE}OSError: no room\n", "OSError: no room"),
    "a fatal error": ("Fatal Python error: Aborted\n\nThread 1:\n  File x\n", "Fatal Python error: Aborted"),
}


@pytest.mark.parametrize("case", LOGS)
def test_the_last_words_of_a_process_are_the_error_that_it_reported(case, tmp_path):
    text, words = LOGS[case]
    (tmp_path / "log").write_text(text)
    assert last_log_line(tmp_path / "log") == f"; it last said: {words}"


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_a_log_without_lines_has_no_last_line(text, tmp_path):
    (tmp_path / "log").write_text(text)
    assert last_log_line(tmp_path / "log") == ""
    assert last_log_line(tmp_path / "none") == ""


@pytest.mark.parametrize("problem", SHORT_OF_MEMORY.values(), ids=SHORT_OF_MEMORY)
def test_short_memory_is_known_by_what_frameworks_say(problem: Exception) -> None:
    assert is_out_of_memory(problem)


@pytest.mark.parametrize("problem", [*NOT_OF_MEMORY.values(), Wordless()], ids=[*NOT_OF_MEMORY, "no text"])
def test_other_errors_are_not_taken_for_short_memory(problem: Exception) -> None:
    assert not is_out_of_memory(problem)
