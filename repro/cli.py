"""python -m repro: test the claims of the papers, train networks by their recipes, manage data sets."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impls.command import ExitStatus, help_epilog, one_line_errors, path_argument
from impls.errors import InvalidInput
from impls.paths import typed_path
from results import strict_json

if TYPE_CHECKING:
    from repro.runner.remote import Where

app = typer.Typer(
    help="Test the claims of the papers. All quick claims: tox -e reproduce",
    epilog=help_epilog("python -m repro list", "python -m repro run --help", found="the command has findings"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Device(StrEnum):
    CPU = "cpu"
    CUDA = "cuda"


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Results = Annotated[
    Path,
    typer.Option("--results", parser=path_argument, help="Folder that contains reproductions."),
]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="NAME=PATH", help="Folder of a data set, which enables its claims; repeatable."),
]
OneFramework = Annotated[
    str | None, typer.Option("--framework", help="Framework for training (default: the first that is installed).")
]
OneDevice = Annotated[Device, typer.Option("--device", help="Device for training.")]
Resume = Annotated[str | None, typer.Option("--resume", metavar="NAME", help="Resume a reproduction.")]
SideBySide = Annotated[
    int | None,
    typer.Option("--jobs", help="Number of concurrent trials (default: number of cores; 1 on a GPU).", min=1),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Do not print progress.")]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write the HTML page at the end.")]
Name = Annotated[str | None, typer.Option("--name", help="Folder name of the new reproduction.")]
DEFAULT = Path("results/data")


@app.command("list", epilog=help_epilog("python -m repro list --data cifar10=PATH"))
@one_line_errors
def list_all(as_json: Json = False, data: Data = None) -> None:
    """List claims: kind, whether each can be tested here, and what is missing."""
    from repro.terminal import listing

    rows = listing.rows(paths(data))
    print(strict_json.dumps(rows)) if as_json else listing.print_rows(rows)


@app.command("plan", epilog=help_epilog("python -m repro plan --claims AX-1,NIN-6 --data cifar10=PATH"))
@one_line_errors
def plan_trials(
    claims: Annotated[str, typer.Option("--claims", help="Ids such as AX-1,NIN-6 (default: all).")] = "",
    full: Annotated[bool, typer.Option("--full", help="At the paper's scale.")] = False,
    framework: OneFramework = None,
    data: Data = None,
    results: Results = DEFAULT,
    as_json: Json = False,
) -> None:
    """Show what testing claims takes: data, trials, hours, and seeds until a verdict."""
    from repro.runner import forecast, plan, selection
    from repro.terminal import forecasts

    names = [part.strip() for part in claims.split(",") if part.strip()]
    found, wrong = selection.chosen_claims(names, full=True)
    for problem in wrong:
        print(f"error: {problem}", file=sys.stderr)
    if not found:
        raise typer.Exit(ExitStatus.USAGE_ERROR)
    for claim in found if names else ():
        if not claim.experiments:
            print(f"{claim.id}: {forecasts.without_training(claim)}", file=sys.stderr)
    made = forecast.forecasts(found, plan.where(framework, "cpu"), paths(data), results, full)
    if as_json:
        print(strict_json.dumps([forecasts.as_json(one) for one in made]))
    elif made:
        forecasts.print_forecasts(made, any(one.hours is not None for one in made))
    raise typer.Exit(ExitStatus.USAGE_ERROR if wrong else ExitStatus.OK)


@app.command("data", epilog=help_epilog("python -m repro data --json"))
@one_line_errors
def list_data(as_json: Json = False) -> None:
    """List data sets: path, or how to obtain them."""
    from repro.terminal import listing

    rows = listing.data_rows()
    print(strict_json.dumps(rows)) if as_json else listing.print_data(rows)


@app.command(epilog=help_epilog("python -m repro download fashion-mnist"))
@one_line_errors
def download(name: Annotated[str, typer.Argument(help="Data set, for example fashion-mnist.")]) -> None:
    """Download a data set and verify its published checksums."""
    from repro import data

    print(data.download(name))


@app.command(epilog=help_epilog("python -m repro verify cifar10 --data cifar10=PATH", found="a file differs"))
@one_line_errors
def verify(name: Annotated[str, typer.Argument(help="Data set.")], data: Data = None) -> None:
    """Verify the files of a data set against their published checksums."""
    from repro.data import verify as verified

    problems = verified(name, paths(data).get(name))
    print("\n".join(problems) or f"{name}: every file is as published")
    raise typer.Exit(ExitStatus.FINDINGS if problems else ExitStatus.OK)


@app.command(
    epilog=help_epilog(
        "python -m repro run --claims AX-1,NIN-6 --seeds 5",
        "python -m repro run --full --device cuda --data imagenet=PATH --budget 8h",
        found="a requested claim could not be tested",
    )
)
@one_line_errors
def run(
    context: typer.Context,
    claims: Annotated[str, typer.Option("--claims", help="Ids such as AX-1,NIN-6 (default: quick claims only).")] = "",
    full: Annotated[
        bool, typer.Option("--full", help="All claims at the paper's scale (needs a GPU or many hours).")
    ] = False,
    seeds: Annotated[int | None, typer.Option(help="Number of trials (seeds) per arm (default: 3).", min=1)] = None,
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Add seeds after 3, 5, 8, 12, 18 and 27 until a claim is decided.")
    ] = False,
    framework: OneFramework = None,
    device: OneDevice = Device.CPU,
    data: Data = None,
    budget: Annotated[
        str | None, typer.Option(help="Start no new trial after this time, such as 20m (default: no limit).")
    ] = None,
    jobs: SideBySide = None,
    engine: Annotated[
        str | None, typer.Option(help="Train on several machines: ray, slurm, or local (docs/fleet.md).")
    ] = None,
    address: Annotated[str, typer.Option(help="Ray: HOST:PORT of the first machine.")] = "",
    sbatch: Annotated[str, typer.Option(help="Slurm: further options of sbatch.")] = "",
    checkpoints: Annotated[
        Path | None, typer.Option(parser=path_argument, help="Folder for checkpoints that all machines see.")
    ] = None,
    results: Results = DEFAULT,
    name: Name = None,
    resume: Resume = None,
    as_json: Json = False,
    quiet: Quiet = False,
    report: Report = True,
) -> None:
    """Test claims and print a verdict for each."""
    from repro.runner import campaign, plan, selection
    from repro.terminal import verdicts
    from results.units import seconds

    if until_decided and seeds is not None:
        raise InvalidInput("--until-decided chooses the number of seeds; leave out --seeds")
    found, wrong = selection.chosen_claims(list(filter(None, (part.strip() for part in claims.split(",")))), full)
    places = paths(data)
    wrong += selection.unusable(places)
    for problem in wrong:
        print(f"error: {problem}", file=sys.stderr)
    if not found:
        raise typer.Exit(ExitStatus.USAGE_ERROR)
    at = plan.where(framework, device.value) if any(not claim.check for claim in found) else None
    limit = None if budget is None else seconds(budget)
    quick = not (claims or full)
    where = _machines(engine, {"address": address, "sbatch": sbatch, "slots": str(jobs or "")}, checkpoints)
    selection.fetch(found, places, partial(print, file=sys.stderr), quick)
    options = campaign.Options(at, full, seeds or 3, limit, jobs, places, quiet, until_decided, quick, where)
    with campaign.ReproductionRunner(campaign.begin(results, typed(context), name, resume), options) as going:
        agreed = None if claims or at is None else going.compare_frameworks()
        tested = going.test(found)
        folder = going.folder
    if as_json:
        print(strict_json.dumps([verdicts.as_json(one) for one in tested]))
    else:
        verdicts.print_all(tested, agreed)
        _show(folder, report)
    asked_in_vain = bool(claims) and any(verdicts.is_untested(one) for one in tested)
    raise typer.Exit(ExitStatus.FINDINGS if wrong or asked_in_vain else ExitStatus.OK)


@app.command("judge", epilog=help_epilog("python -m repro judge 20261129-101500-reproduction"))
@one_line_errors
def judge_again(
    name: Annotated[str, typer.Argument(help="Reproduction, by name or folder.")],
    results: Results = DEFAULT,
    as_json: Json = False,
    report: Report = True,
) -> None:
    """Judge the trials of a reproduction again by the present rules, and store the verdicts."""
    from repro.runner.rejudge import judged_again
    from repro.terminal import verdicts
    from results.schema.system import System
    from results.store import reproductions

    folder = reproductions.find(name, results)
    findings = judged_again(reproductions.read(folder))
    with contextlib.closing(reproductions.ReproductionWriter.resume(folder, System())) as writer:
        writer.save_findings(findings)
    if as_json:
        print(strict_json.dumps([verdicts.as_json(one) for one in findings.claims]))
    else:
        verdicts.print_all(findings.claims, findings.agreement)
        _show(folder, report)


@app.command(
    epilog=help_epilog(
        "python -m repro train lenet5 --framework jax", found="a network misses the target accuracy of its recipe"
    )
)
@one_line_errors
def train(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Networks with a recipe (default: those whose data is here).")
    ] = None,
    framework: Annotated[str, typer.Option(help="Framework for training (default: all that are installed).")] = "all",
    device: OneDevice = Device.CPU,
    data: Data = None,
    jobs: SideBySide = None,
    results: Results = DEFAULT,
    name: Name = None,
    resume: Resume = None,
    as_json: Json = False,
    quiet: Quiet = False,
    report: Report = True,
) -> None:
    """Train networks by their recipes and print their test accuracy."""
    from repro.data import MissingData
    from repro.runner import agreement, campaign, plan
    from repro.runner import goals as recipes
    from repro.terminal import verdicts

    places = paths(data)
    goals = [recipes.load_goal(name) for name in names or ()] or recipes.goals_here(places)
    if not goals:
        raise MissingData(f"no data set of a recipe is here ({', '.join(sorted({one.data for one in recipes.GOALS}))})")
    asked = agreement.frameworks_here() if framework == "all" else [framework]
    everywhere = [plan.where(name, device.value) for name in asked] or [plan.where(None, device.value)]
    options = campaign.Options(everywhere[0], side_by_side=jobs, paths=places, quiet=quiet)
    with campaign.ReproductionRunner(campaign.begin(results, typed(context), name, resume), options) as going:
        trained = going.train_goals(goals, everywhere)
        trials, folder = going.trials, going.folder
    if as_json:
        print(strict_json.dumps([verdicts.trained_as_json(one, trials) for one in trained]))
    else:
        verdicts.print_trained(trained, trials)
        _show(folder, report)
    met = all(verdicts.is_met(one, trials) for one in trained)
    raise typer.Exit(ExitStatus.OK if met else ExitStatus.FINDINGS)


def _machines(engine: str | None, given: Mapping[str, str], checkpoints: Path | None) -> Where | None:
    """The machines to train on; None for this one. InvalidInput for options without an engine."""
    from repro.runner.remote import Where

    options = {name: value for name, value in given.items() if value}
    if engine is None:
        if options.keys() - {"slots"} or checkpoints:
            raise InvalidInput("--address, --sbatch and --checkpoints are for several machines; give --engine, too")
        return None
    where = Where(engine, options, checkpoints)
    where.check()
    return where


def paths(given: Sequence[str] | None) -> dict[str, Path]:
    """The folders behind --data NAME=PATH; InvalidInput where one is not of that form."""
    from repro.data import load_source

    found = {}
    for text in given or ():
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise InvalidInput(f"--data {text!r} is not of the form NAME=PATH, such as cifar10=/data/cifar10")
        found[load_source(name).name] = typed_path(path)
    return found


def typed(context: typer.Context) -> str:
    """The command line: the command as its program calls it, and the arguments behind it."""
    return f"{context.command_path} {shlex.join(sys.argv[2:])}".rstrip()


def _show(folder: Path, report: bool) -> None:
    """Write the page in its own process: repro must not import reports."""
    print(f"\nresults: {folder}")
    if report:
        subprocess.run([sys.executable, "-m", "reports", str(folder)])
