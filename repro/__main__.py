"""python -m repro: see repro.cli."""

from repro.cli import app

if __name__ == "__main__":
    app(prog_name="python -m repro")
