"""python -m bench: look at what there is, describe a network, export and report what was measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from impls.errors import DeadheatError

app = typer.Typer(
    help="Benchmark the classic convolutional networks across frameworks. Measure with: tox -e bench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    MARKDOWN = "markdown"


class Rows(StrEnum):
    LAUNCHES = "launches"
    CASES = "cases"
    SPLIT = "split"


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Results = Annotated[Path, typer.Option("--results", help="Folder of campaigns.")]


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """A user's mistake is one line on stderr and exit status 1."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except DeadheatError as problem:
            print(f"error: {problem}", file=sys.stderr)
            raise typer.Exit(1) from None

    return run


@app.command("list")
@one_line_errors
def list_all(as_json: Json = False) -> None:
    """What there is: architectures, frameworks with their executions, suites."""
    from bench import catalogue

    print(json.dumps(catalogue.everything(), indent=2) if as_json else catalogue.as_text())


@app.command()
@one_line_errors
def describe(
    name: Annotated[str, typer.Argument(help="An architecture, for example alexnet.")],
    size: Annotated[str | None, typer.Option(help="Side of the images, or HEIGHTxWIDTH.")] = None,
    channels: Annotated[int | None, typer.Option(help="Channels of the images.")] = None,
    classes: Annotated[int | None, typer.Option(help="Number of classes.")] = None,
    as_json: Json = False,
) -> None:
    """A network's table: every layer's output, parameters, multiply-accumulates and receptive field."""
    from bench import describe as describing
    from bench.sizes import parse_size
    from impls.architectures import load_architecture

    architecture = load_architecture(name)
    network = architecture.at(None if size is None else parse_size(size), channels, classes)
    if as_json:
        print(json.dumps(describing.as_json(architecture, network), indent=2))
    else:
        print(describing.as_text(architecture, network))


@app.command()
@one_line_errors
def export(
    campaign: Annotated[str, typer.Argument(help="Name of a campaign, or its folder.")],
    to: Annotated[Format, typer.Option(help="Format.")] = Format.CSV,
    rows: Annotated[Rows, typer.Option(help="One row a launch, a case, or a part of the step.")] = Rows.CASES,
    output: Annotated[Path | None, typer.Option(help="File to write; parquet needs one.")] = None,
    results: Results = Path("results/data"),
) -> None:
    """A campaign's table as CSV, Parquet or Markdown."""
    from results import export as exporting

    text = exporting.export(campaign, to.value, rows.value, output, results)
    if text:
        print(text)


@app.command()
@one_line_errors
def report(
    campaigns: Annotated[list[str] | None, typer.Argument(help="Names or folders; the newest if left out.")] = None,
    results: Results = Path("results/data"),
    output: Annotated[Path, typer.Option(help="Folder to write index.html into.")] = Path("reports/html"),
) -> None:
    """The HTML report of one or several campaigns."""
    import subprocess

    # A process of its own: reports is the room to the right, which nothing here may import.
    command = [sys.executable, "-m", "reports", *(campaigns or ()), "--results", str(results), "--output", str(output)]
    raise typer.Exit(subprocess.run(command).returncode)
