"""The command line of what a unit runs: `python -m MODULE UNIT PART`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fleet import unit as units
from fleet.unit import Unit
from impls.errors import DeadheatError
from impls.host.termination import Termination
from impls.paths import typed_path


def main(run: Callable[[Unit, Path], None], arguments: Sequence[str]) -> int:
    """Have `run` do the unit in the file UNIT into the folder PART.

    Status 0 when it has, whatever came of it; 1 when interrupted, 2 for an error in one line.
    """
    try:
        with Termination():
            run(units.read(typed_path(arguments[0])), typed_path(arguments[1]))
    except DeadheatError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
    return 0
