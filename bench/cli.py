"""python -m bench: measure, list, show, compare and export; check the machine and validate the harness."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from bench.fleet import cli as fleet
from impls.command import ExitStatus, help_epilog, one_line_errors, path_argument
from impls.errors import InvalidInput
from results import strict_json
from results.tables import table_names

app = typer.Typer(
    help="Benchmark classic convolutional networks in several frameworks. To measure: python -m bench run",
    epilog=help_epilog("python -m bench list", "python -m bench compare --help", found="the command has findings"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    MARKDOWN = "markdown"
    JSON = "json"
    GITHUB_ACTION = "github-action"
    BMF = "bmf"


PYTEST_STATUSES = (
    "0 every case was measured, or skipped with a reason",
    "1 a case failed (mismatch, crashed, …), or the campaign could not continue",
    "2 interrupted: completed measurements are stored and shown",
    "4 usage error, named in one line",
    "5 -k selects no case",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Html = Annotated[
    Path | None, typer.Option("--html", parser=path_argument, help="Write a self-contained HTML page to this file.")
]
Results = Annotated[Path, typer.Option("--results", parser=path_argument, help="Folder that contains campaigns.")]


class MeasuringCommand(TyperCommand):
    """Adds the options of measuring to the help text."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from bench.options import OPTIONS

        super().format_help(ctx, formatter)
        with formatter.section("Measurement options"):
            formatter.write_dl([(f"{option.short} {option.metavar}", option.help) for option in OPTIONS])


app.add_typer(fleet.app, name="fleet")


@app.command(
    cls=MeasuringCommand,
    epilog=help_epilog(
        "python -m bench run",
        'python -m bench run --suite smoke -k "lenet5 and infer"',
        "python -m bench run --results ~/campaigns --budget 20m -q",
        statuses=PYTEST_STATUSES,
    ),
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
def run(
    context: typer.Context,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[OPTIONS] [-k EXPRESSION]",
            help="Options of Deadheat, pytest and pytest-benchmark: docs/commands.md.",
        ),
    ] = None,
) -> None:
    """Measure a suite (default: quick); write a summary, a campaign and an HTML report."""
    from bench.run import run

    raise typer.Exit(run(arguments or (), context.command_path))


@app.command("list", epilog=help_epilog("python -m bench list --json"))
@one_line_errors
def list_all(as_json: Json = False) -> None:
    """List architectures, frameworks with their executions, and suites."""
    from bench.terminal import catalogue

    print(strict_json.dumps(catalogue.everything()) if as_json else catalogue.as_text())


@app.command(
    epilog=help_epilog(
        "python -m bench describe alexnet --size 224", "python -m bench describe zf5-spp --size 180x240 --json"
    )
)
@one_line_errors
def describe(
    name: Annotated[str, typer.Argument(help="Architecture, for example alexnet.")],
    size: Annotated[str | None, typer.Option(help="Side length of the images, or HEIGHTxWIDTH.")] = None,
    channels: Annotated[int | None, typer.Option(help="Number of image channels.")] = None,
    classes: Annotated[int | None, typer.Option(help="Number of classes.")] = None,
    as_json: Json = False,
) -> None:
    """Print the table of a network: output, parameters, multiply-accumulates and receptive field of each layer."""
    from bench.plan.parse import parse_size
    from bench.terminal import describe as describing
    from impls.architectures import load_architecture
    from results.schema import renames

    architecture = load_architecture(renames.architecture(name))
    network = architecture.at(None if size is None else parse_size(size), channels, classes)
    if as_json:
        print(strict_json.dumps(describing.as_json(architecture, network)))
    else:
        print(describing.as_text(architecture, network))


@app.command(
    epilog=help_epilog(
        "python -m bench export CAMPAIGN --to markdown",
        "python -m bench export CAMPAIGN --rows launches --to parquet --output launches.parquet",
        "python -m bench export CAMPAIGN --to github-action --output benchmark.json",
    )
)
@one_line_errors
def export(
    campaign: Annotated[str, typer.Argument(help="Name or folder of a campaign.")],
    to: Annotated[Format, typer.Option(help=f"Output format: {', '.join(Format)}.")] = Format.CSV,
    rows: Annotated[str, typer.Option(metavar="TABLE", help=f"{', '.join(table_names())}: docs/results.md.")] = "cases",
    output: Annotated[
        Path | None, typer.Option(parser=path_argument, help="Output file (default: stdout); required for parquet.")
    ] = None,
    results: Results = Path("results/data"),
) -> None:
    """Export a table of a campaign; cases also for github-action-benchmark and Bencher (BMF)."""
    from results import export as exporting
    from results.tables import load_table

    source = load_table(rows).source
    for problem in source.read(source.find(campaign, results)).problems:
        print(f"left out, unreadable: {problem}", file=sys.stderr)
    text = exporting.export(campaign, to.value, rows, output, results)
    if text:
        print(text)


@app.command(
    epilog=help_epilog(
        "python -m bench show",
        "python -m bench show CAMPAIGN --details",
        "python -m bench show CAMPAIGN --json",
        "python -m bench show CAMPAIGN --markdown",
    )
)
@one_line_errors
def show(
    campaign: Annotated[str | None, typer.Argument(help="Name or folder of a campaign (default: the newest).")] = None,
    as_json: Json = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the answer as Markdown, for an issue.")
    ] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Also print memory, fractions of the peak and flags of each case.")
    ] = False,
    results: Results = Path("results/data"),
) -> None:
    """Show the result table and the warnings of a campaign."""
    from bench.terminal import markdown, summary, summary_json
    from results import advice
    from results.store import campaigns as store

    if as_json and as_markdown:
        raise InvalidInput("--json and --markdown are two formats; give one of them")
    if details and (as_json or as_markdown):
        raise InvalidInput("--details adds tables to the text; --json has all of them, --markdown only the answer")
    folder = store.find_campaign(campaign, results) if campaign else store.latest_campaign(results)
    found = store.read_campaign(folder)
    notes = advice.warnings_for(found)
    if as_markdown:
        print(markdown.as_markdown(found))
    elif as_json:
        print(strict_json.dumps(summary_json.as_json(found, notes)))
    else:
        summary.print_summary(found, notes, details=details)


@app.command(epilog=help_epilog("python -m bench report", "python -m bench report CAMPAIGN ANOTHER --output pages"))
@one_line_errors
def report(
    campaigns: Annotated[
        list[str] | None, typer.Argument(help="Names or folders of campaigns (default: the newest).")
    ] = None,
    results: Results = Path("results/data"),
    output: Annotated[Path, typer.Option(parser=path_argument, help="Folder for index.html.")] = Path("reports/html"),
) -> None:
    """Write the HTML report of one or more campaigns."""
    import subprocess

    # In its own process: bench must not import reports.
    command = [sys.executable, "-m", "reports", *(campaigns or ()), "--results", str(results), "--output", str(output)]
    raise typer.Exit(subprocess.run(command).returncode)


@app.command(
    epilog=help_epilog(
        "python -m bench compare BASELINE CANDIDATE --markdown",
        "python -m bench compare CAMPAIGN@old CAMPAIGN@new",
        found="a case is slower",
    )
)
@one_line_errors
def compare(
    baseline: Annotated[
        str, typer.Argument(help="Name or folder of a campaign; CAMPAIGN@LABEL selects one interpreter.")
    ],
    candidate: Annotated[str, typer.Argument(help="Campaign to compare with the baseline.")],
    across_systems: Annotated[bool, typer.Option(help="Compare campaigns of different machines.")] = False,
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown for a pull request.")] = False,
    html: Html = None,
    results: Results = Path("results/data"),
) -> None:
    """Compare two campaigns and report cases that are slower."""
    from bench.terminal import comparison
    from results.compare.interpreters import resolve_campaigns
    from results.compare.pairwise import compare as compared

    before, after, side_by_side = resolve_campaigns(baseline, candidate, results)
    report = compared(before, after, across_systems, side_by_side)
    if as_json:
        print(strict_json.dumps(comparison.as_json(report)))
    elif markdown:
        print(comparison.as_markdown(report))
    else:
        comparison.print_report(report)
    if html:
        _page("compare", [baseline, candidate, *(["--across-systems"] if across_systems else [])], html, results)
    raise typer.Exit(ExitStatus.FINDINGS if report.slower else ExitStatus.OK)


@app.command(
    epilog=help_epilog(
        "python -m bench history",
        "python -m bench history --since CAMPAIGN --json",
        found="the last step of a case is to a slower level",
    )
)
@one_line_errors
def history(
    campaigns: Annotated[
        list[str] | None, typer.Argument(help="Names or folders of campaigns (default: all in --results).")
    ] = None,
    since: Annotated[
        str, typer.Option(help="Exit with status 1 only for steps at or after this campaign (name or folder).")
    ] = "",
    as_json: Json = False,
    html: Html = None,
    results: Results = Path("results/data"),
) -> None:
    """Detect steps in the times of each case over campaigns, one history per machine."""
    from bench.terminal import history as shown
    from results.compare.history import histories
    from results.store import campaigns as store

    found = histories(store.read_campaigns(campaigns, results))
    since = store.campaign_name(since, results) if since else ""
    slower = found.slower(since)
    if as_json:
        print(strict_json.dumps(shown.as_json(found, since)))
    else:
        shown.print_history(found)
    if html:
        _page("history", campaigns or [], html, results)
    raise typer.Exit(ExitStatus.FINDINGS if slower else ExitStatus.OK)


def _page(kind: str, arguments: Sequence[str], file: Path, results: Path) -> None:
    """Write a page in its own process and print its path on stderr, apart from JSON on stdout."""
    import subprocess

    where = ["--output", str(file), "--results", str(results)]
    command = [sys.executable, "-m", "reports.across", kind, *arguments, *where]
    if subprocess.run(command, stdout=sys.stderr).returncode:
        raise typer.Exit(ExitStatus.USAGE_ERROR)


@app.command(epilog=help_epilog("python -m bench mirror", "python -m bench mirror CAMPAIGN ANOTHER"))
@one_line_errors
def mirror(
    campaigns: Annotated[
        list[str] | None, typer.Argument(help="Names or folders of campaigns (default: all in --results).")
    ] = None,
    results: Results = Path("results/data"),
) -> None:
    """Write launches.parquet beside the records of campaigns: large ones are read faster, and queries can use it."""
    from results.store import campaigns as store
    from results.store import mirror as mirrors
    from results.store.mirroring import write

    for folder in store.find_campaigns(campaigns, results):
        if mirrors.read(folder):
            print(f"{folder / store.MIRROR}: up to date")
        else:
            print(f"{folder / store.MIRROR}: {write(folder):,} launches")


@app.command(
    epilog=help_epilog(
        "python -m bench doctor --seconds 10",
        "python -m bench doctor --device cuda",
        found="the machine is not fit for measurements",
    )
)
@one_line_errors
def doctor(
    seconds: Annotated[float, typer.Option(help="Duration of the check for interference.", min=0.5, max=600)] = 3.0,
    as_json: Json = False,
    device: Annotated[
        str, typer.Option(help="cpu or cuda: what to measure on; default: a card is checked if there is one.")
    ] = "",
) -> None:
    """Check whether this machine is fit for measurements, and suggest remedies."""
    from dataclasses import asdict

    from bench.validation import doctor as examining
    from impls.frameworks import DEVICES, checked

    found = examining.examine(seconds, checked("device", device, DEVICES) if device else "")
    if as_json:
        print(strict_json.dumps([asdict(finding) for finding in found]))
    else:
        examining.print_findings(found)
    unfit = any(finding.level == examining.BAD for finding in found)
    raise typer.Exit(ExitStatus.FINDINGS if unfit else ExitStatus.OK)


@app.command(
    epilog=help_epilog(
        "python -m bench selftest",
        "python -m bench selftest --contestant pytorch:eager --slowdowns b,5 --budget 10m",
        found="the validation failed",
    )
)
@one_line_errors
def selftest(
    contestants: Annotated[
        list[str] | None, typer.Option("--contestant", help="Contestant, as framework:execution; repeatable.")
    ] = None,
    architectures: Annotated[
        list[str] | None, typer.Option("--architecture", help="Architecture (default: lenet5); repeatable.")
    ] = None,
    phases: Annotated[
        list[str] | None, typer.Option("--phase", help="Phase (default: all four, which share launches); repeatable.")
    ] = None,
    slowdowns: Annotated[
        str, typer.Option(help="Injected slowdowns in percent: 2, 5, 20; b is an A/A pair.")
    ] = "b,2,5,20",
    pairs: Annotated[int, typer.Option(help="Number of pairs per slowdown and phase.", min=1)] = 1000,
    pair_seconds: Annotated[str, typer.Option(help="Time for a pair in all its phases.")] = "40s",
    budget: Annotated[str, typer.Option(help="Total time: known clock, imports and pairs.")] = "3m",
    burners: Annotated[int, typer.Option(help="Number of background CPU hogs to run during the test.", min=0)] = 0,
    output: Annotated[Path | None, typer.Option(parser=path_argument, help="Write JSON to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Estimate the false-positive rate and the power of the harness on this machine."""
    from bench.validation import selftest as testing
    from impls.architectures import load_architecture
    from impls.frameworks import PHASES, checked
    from results.schema import renames
    from results.units import seconds

    chosen = [testing.known_contestant(text) for text in contestants or ()] or testing.default_contestants()
    plan = testing.Plan(
        chosen,
        [load_architecture(renames.architecture(name)).name for name in architectures or ["lenet5"]],
        [checked("slowdown", text.strip(), testing.PLANTED) for text in slowdowns.split(",")],
        pairs,
        seconds(pair_seconds),
        seconds(budget),
        [checked("phase", phase, PHASES) for phase in phases or PHASES],
    )
    if plan.seconds > plan.budget:
        raise InvalidInput(f"--budget {budget} is less than a pair takes, {pair_seconds}; give it more, or a pair less")
    if output and not (output.parent.is_dir() and os.access(output.parent, os.W_OK)):
        raise InvalidInput(f"{str(output)!r} can't be written: {str(output.parent)!r} is no folder to write in")
    summary = testing.run(plan, burners, quiet=as_json)
    text = strict_json.dumps(summary)
    if output:
        output.write_text(text + "\n", encoding="utf-8")
    if as_json:
        print(text)
    else:
        testing.print_summary(summary)
    if not summary["measured"]:
        raise InvalidInput(
            f"no pair was measured: stopped before the first, or --budget {budget} is too little for one"
        )
    raise typer.Exit(ExitStatus.OK if testing.is_trustworthy(summary) else ExitStatus.FINDINGS)
