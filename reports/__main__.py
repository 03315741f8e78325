"""python -m reports: see reports.cli."""

from impls.command import main

main("reports.cli", "python -m reports")
