"""What the report costs as campaigns grow: `python -m tests.tools.report_growth [NETWORKSxLAUNCHES ...]`, 20 cases a
network.

Each campaign is made up, and reported by a process of its own: processor seconds and peak memory, from starting to the
page on disk, are that process's. Then a browser opens the page: seconds until its controls are there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tabulate import tabulate

from tests.support import large

ROOT = Path(__file__).parent.parent.parent
SIZES = ("1x50", "10x50", "100x50", "100x5")

CHILD = """
import resource, runpy, sys
sys.argv[0] = "reports"
try:
    runpy.run_module("reports", run_name="__main__")
except SystemExit as end:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss)
    raise
"""

READY = """() => new Promise(done => {
    const look = () => document.querySelector(".menus select") ? done(performance.now()) : requestAnimationFrame(look);
    look();
})"""


def reported(campaign: Path, output: Path) -> tuple[float, float]:
    """Processor seconds and peak MB of one report, all of its process."""
    command = [sys.executable, "-c", CHILD, str(campaign), "--output", str(output)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    seconds, kilobytes = said.split()[-2:]
    return float(seconds), int(kilobytes) / 1000


def interactive(page: Path) -> tuple[float, float] | None:
    """Seconds from asking for the page until its controls are there, and of them its thread's; None without a browser.

    The second is what a processor worked for it, so neighbours on a busy machine hardly count.
    """
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        metrics = tab.context.new_cdp_session(tab)
        metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
        tab.goto(page.as_uri(), wait_until="commit")
        seconds = float(tab.evaluate(READY)) / 1000
        found = {one["name"]: one["value"] for one in metrics.send("Performance.getMetrics")["metrics"]}
        browser.close()
    return seconds, found["TaskDuration"]


def made(folder: Path, networks: int, launches: int) -> tuple[Path, int]:
    campaign = large.write(folder, networks, launches)
    return campaign.folder, len(campaign.records)


def row(size: str, folder: Path) -> list[object]:
    networks, launches = map(int, size.split("x"))
    with ProcessPoolExecutor(1) as other:  # what is begun by a large process begins with its peak
        campaign, count = other.submit(made, folder / "data", networks, launches).result()
    seconds, megabytes = reported(campaign, folder / size)
    page = folder / size / "index.html"
    ready = interactive(page)
    shown = "no browser" if ready is None else "{:.2f} ({:.2f})".format(*ready)
    size_of_page = page.stat().st_size / 1e6
    return [20 * networks, f"{count:,}", f"{seconds:.1f}", f"{1e3 * seconds / count:.2f}", f"{megabytes:.0f}",
            f"{size_of_page:.2f}", shown]  # fmt: skip


def main(sizes: list[str]) -> None:
    headers = [
        "cases",
        "launches",
        "CPU s",
        "CPU ms/launch",
        "peak MB",
        "page MB",
        "interactive after s (of them busy)",
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(size, Path(folder)) for size in sizes or SIZES]
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main(sys.argv[1:])
