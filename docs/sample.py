"""The sample report, its picture in the README, and pictures of claims: `python -m docs.sample`.

All are made of committed campaigns and reproductions.

The picture is the first screen as a browser shows it; it needs playwright and a chromium that is found on PATH.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from docs import reproduction
from reports.pages import campaign, documents
from results.store.campaigns import read_campaign

ROOT = Path(__file__).parent.parent
CAMPAIGNS = ("reference-quick", "reference-layers")
SAMPLE = ROOT / "docs" / "sample.html"
PICTURE = ROOT / "docs" / "report.png"
SCREEN = {"width": 1280, "height": 1000}


def render() -> str:
    """The page of the suite that is the default, and of a network layer by layer."""
    return campaign.render([read_campaign(ROOT / "results" / "data" / name) for name in CAMPAIGNS])


def take_picture() -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = chromium.new_page(viewport=SCREEN)
        tab.goto(SAMPLE.as_uri())
        tab.screenshot(path=PICTURE)
        chromium.close()


if __name__ == "__main__":
    reproduction.PICTURES.mkdir(exist_ok=True)
    for path, picture in reproduction.pictures().items():
        path.write_text(picture, encoding="utf-8")
    SAMPLE.write_text(documents.linked(render(), SAMPLE.parent), encoding="utf-8")
    take_picture()
