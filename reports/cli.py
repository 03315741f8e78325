"""The command line: which campaigns, where to, and user errors as one line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from results import store
from results.journal import ResultsError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def report(
    campaigns: Annotated[
        list[str] | None, typer.Argument(metavar="[CAMPAIGN]...", help="Names in --results, or folders; the newest.")
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder that holds the campaigns.")] = store.DATA,
    output: Annotated[Path, typer.Option(help="Folder to write index.html into.")] = Path("reports/html"),
) -> None:
    """Write one self-contained HTML page of the campaigns, a part each (never pooled), and print its path."""
    from reports import page  # pandas and matplotlib: not for --help

    try:
        folders = [store.find_campaign(name, results) for name in campaigns or ()] or [store.latest_campaign(results)]
        unique = list({folder.resolve(): folder for folder in folders}.values())
        written = page.write(page.render([store.read_campaign(folder) for folder in unique]), output)
    except (ResultsError, OSError) as problem:
        typer.echo(f"error: {' '.join(str(problem).split())}", err=True)
        raise typer.Exit(1) from None
    typer.echo(str(written))
