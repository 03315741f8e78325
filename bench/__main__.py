"""python -m bench: see bench.cli."""

from impls.command import main

main("bench.cli", "python -m bench")
