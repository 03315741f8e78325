"""python -m repro: see repro.cli."""

from impls.command import main

if __name__ == "__main__":
    main("repro.cli", "python -m repro")
