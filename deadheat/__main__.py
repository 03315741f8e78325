"""`deadheat` and `python -m deadheat`: see deadheat.cli."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from impls.command import main


def console() -> NoReturn:
    """The console command. As with `python -m`, modules in the working directory can be named."""
    if not sys.flags.safe_path:
        sys.path[0] = str(Path.cwd())  # in place of the folder of the console command
    main("deadheat.cli", "deadheat")


if __name__ == "__main__":
    main("deadheat.cli", "deadheat")
