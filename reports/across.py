"""Pages across campaigns: a comparison of two campaigns, and the history of many.

python -m reports.across compare BASELINE CANDIDATE --output FILE
python -m reports.across history [CAMPAIGN ...] --output FILE
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impls.command import main, one_line_errors, path_argument
from results.compare.interpreters import resolve_campaigns
from results.store import campaigns as store
from results.store.journal import ResultsError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help="Pages across campaigns.")
Output = Annotated[Path, typer.Option(parser=path_argument, help="Output file.")]
Results = Annotated[Path, typer.Option(parser=path_argument, help="Folder that contains campaigns.")]


@app.command()
@one_line_errors
def compare(
    baseline: Annotated[
        str, typer.Argument(help="Name or folder of a campaign; CAMPAIGN@LABEL selects one interpreter.")
    ],
    candidate: Annotated[str, typer.Argument(help="Campaign to compare with the baseline.")],
    output: Output,
    across_systems: Annotated[bool, typer.Option(help="Compare campaigns of different machines.")] = False,
    results: Results = store.DATA,
) -> None:
    """Write the page of a comparison and print its path."""
    from reports.pages.comparison import render  # pandas and matplotlib: not for --help

    before, after, side_by_side = resolve_campaigns(baseline, candidate, results)
    _write(render(before, after, across_systems, side_by_side), output)


@app.command()
@one_line_errors
def history(
    output: Output,
    campaigns: Annotated[
        list[str] | None, typer.Argument(help="Names or folders of campaigns (default: all in --results).")
    ] = None,
    results: Results = store.DATA,
) -> None:
    """Write the page of the history of campaigns, one section per machine, and print its path."""
    from reports.pages.history import render

    _write(render(store.read_campaigns(campaigns, results)), output)


def _write(html: str, path: Path) -> None:
    from reports.pages import document

    try:
        print(document.write(html, path))
    except OSError as problem:
        raise ResultsError(
            f"{str(path)!r} can't be written: {problem.strerror or problem}; give another file"
        ) from None


if __name__ == "__main__":
    main("reports.across", "python -m reports.across")
