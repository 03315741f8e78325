"""Command line: write the pages of campaigns and of a reproduction."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from impls.command import ExitStatus, help_epilog, path_argument
from results.store import campaigns as store
from results.store import reproductions as reproduction
from results.store.journal import ResultsError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog=help_epilog("python -m reports", "python -m reports CAMPAIGN ANOTHER --output pages"))
def report(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Campaigns and a reproduction, by name or folder (default: the newest of each).",
        ),
    ] = None,
    results: Annotated[
        Path, typer.Option(parser=path_argument, help="Folder that contains campaigns and reproductions.")
    ] = store.DATA,
    output: Annotated[
        Path,
        typer.Option(parser=path_argument, help="Folder for index.html (campaigns) and reproduction.html."),
    ] = Path("reports/html"),
) -> None:
    """Write a self-contained page of campaigns, one section each, and a page of a reproduction; print their paths."""
    try:
        campaigns, reproduced = _chosen(names, results) if names else _newest(results)
        for path in _write(campaigns, reproduced, output):
            print(path)
    except (ResultsError, OSError) as problem:
        print(f"error: {' '.join(str(problem).split())}", file=sys.stderr)
        raise typer.Exit(ExitStatus.USAGE_ERROR) from None


def _newest(results: Path) -> tuple[list[Path], Path | None]:
    """The newest campaign and reproduction; ResultsError if there is neither."""
    reproductions = reproduction.every(results)
    if reproductions and not store.campaigns_in(results):
        return [], reproductions[-1]
    return [store.latest_campaign(results)], reproductions[-1] if reproductions else None


def _chosen(names: Sequence[str], results: Path) -> tuple[list[Path], Path | None]:
    """The folders of the given names, each once; ResultsError if one is neither kind, or if two are reproductions."""
    campaigns: dict[Path, Path] = {}
    reproductions: dict[Path, Path] = {}
    for name in names:
        folder = _reproduction(name, results)
        if folder:
            reproductions[folder.resolve()] = folder
        else:
            folder = _campaign(name, results)
            campaigns[folder.resolve()] = folder
    if len(reproductions) > 1:
        given = ", ".join(folder.name for folder in reproductions.values())
        raise ResultsError(f"a page shows one reproduction, got {given}; give one of them at a time")
    return list(campaigns.values()), next(iter(reproductions.values()), None)


def _reproduction(name: str, results: Path) -> Path | None:
    with contextlib.suppress(ResultsError, OSError):  # a name that is too long for the file system does not exist
        return reproduction.find(name, results)
    return None


def _campaign(name: str, results: Path) -> Path:
    try:
        return store.find_campaign(name, results)
    except ResultsError as problem:
        there = ", ".join(folder.name for folder in reproduction.every(results)[-5:])
        raise ResultsError(f"{problem}; reproductions: {there}" if there else str(problem)) from None


def _write(campaigns: Sequence[Path], reproduced: Path | None, output: Path) -> list[Path]:
    """Write the pages."""
    from reports.pages import campaign, document  # pandas and matplotlib: not for --help
    from reports.pages import reproduction as reproduction_page

    written = []
    if campaigns:
        html = campaign.render(map(store.read_campaign, campaigns))
        written.append(campaign.write(html, output))
    if reproduced:
        html = reproduction_page.render(reproduction.read(reproduced))
        written.append(document.write(html, output / reproduction_page.PAGE))
    return written
