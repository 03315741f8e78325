"""python -m repro: what the papers claim, and whether it holds here."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from impls.command import ExitStatus, help_epilog, one_line_errors, path_argument
from impls.errors import InvalidInput
from impls.paths import typed_path
from results import strict_json

app = typer.Typer(
    help="Check what the papers claim. All that is cheap: tox -e reproduce",
    epilog=help_epilog("python -m repro list", "python -m repro run --help", found="a command found what it looks for"),
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
    typer.Option("--results", parser=path_argument, help="Folder that reproductions are kept in, one folder each."),
]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="NAME=PATH", help="Where a data set's folder is; repeat it. It is tested on then."),
]
OneFramework = Annotated[str | None, typer.Option("--framework", help="Train in it; the first installed if left out.")]
OneDevice = Annotated[Device, typer.Option("--device", help="Where trials run.")]
Resume = Annotated[str | None, typer.Option("--resume", metavar="NAME", help="Go on with a reproduction.")]
SideBySide = Annotated[int | None, typer.Option("--jobs", help="Trials at a time; as many as cores.", min=1)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Without progress.")]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write the HTML page at the end.")]
Name = Annotated[str | None, typer.Option("--name", help="What the new reproduction's folder is called.")]
DEFAULT = Path("results/data")


@app.command("list", epilog=help_epilog("python -m repro list --data cifar10=PATH"))
@one_line_errors
def list_all(as_json: Json = False, data: Data = None) -> None:
    """Every claim: what kind, whether it can be tested here, and what it would need."""
    from repro.terminal import listing

    rows = listing.rows(paths(data))
    print(strict_json.dumps(rows)) if as_json else listing.print_rows(rows)


@app.command("data", epilog=help_epilog("python -m repro data --json"))
@one_line_errors
def list_data(as_json: Json = False) -> None:
    """The data sets: which are here, where, and what would bring the others."""
    from repro.terminal import listing

    rows = listing.data_rows()
    print(strict_json.dumps(rows)) if as_json else listing.print_data(rows)


@app.command(epilog=help_epilog("python -m repro download fashion-mnist"))
@one_line_errors
def download(name: Annotated[str, typer.Argument(help="A data set, for example fashion-mnist.")]) -> None:
    """Fetch a data set, check it against its published checksums, and keep it."""
    from repro import data

    print(data.download(name))


@app.command(epilog=help_epilog("python -m repro verify cifar10 --data cifar10=PATH", found="a file differs"))
@one_line_errors
def verify(name: Annotated[str, typer.Argument(help="A data set.")], data: Data = None) -> None:
    """Compare a data set's files with their published checksums."""
    from repro.data import verify as verified

    problems = verified(name, paths(data).get(name))
    print("\n".join(problems) or f"{name}: every file is as published")
    raise typer.Exit(ExitStatus.FINDINGS if problems else ExitStatus.OK)


@app.command(
    epilog=help_epilog(
        "python -m repro run --claims AX-1,NIN-6 --seeds 5",
        "python -m repro run --full --device cuda --data imagenet=PATH --budget 8h",
        found="something asked for could not be tested",
    )
)
@one_line_errors
def run(
    context: typer.Context,
    claims: Annotated[str, typer.Option("--claims", help="Ids such as AX-1,NIN-6; those that are cheap.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Every claim, closest to the paper: a GPU, or a night.")] = False,
    seeds: Annotated[int, typer.Option(help="Trials of each arm.", min=1)] = 3,
    framework: OneFramework = None,
    device: OneDevice = Device.CPU,
    data: Data = None,
    budget: Annotated[str | None, typer.Option(help="Begin no trial after so long, such as 20m; no limit.")] = None,
    jobs: SideBySide = None,
    results: Results = DEFAULT,
    name: Name = None,
    resume: Resume = None,
    as_json: Json = False,
    quiet: Quiet = False,
    report: Report = True,
) -> None:
    """Test claims, and say of each what came out."""
    from repro.runner import campaign, plan, selection
    from repro.terminal import verdicts
    from results.units import seconds

    found, wrong = selection.chosen_claims(list(filter(None, (part.strip() for part in claims.split(",")))), full)
    places = paths(data)
    wrong += selection.unusable(places)
    for problem in wrong:
        print(f"error: {problem}", file=sys.stderr)
    if not found:
        raise typer.Exit(ExitStatus.USAGE_ERROR)
    at = plan.where(framework, device.value) if any(not claim.check for claim in found) else None
    limit = None if budget is None else seconds(budget)
    selection.fetch(found, places, partial(print, file=sys.stderr))
    options = campaign.Options(at, full, seeds, limit, jobs, places, quiet)
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


@app.command(
    epilog=help_epilog(
        "python -m repro train lenet5 --framework jax", found="a network misses the accuracy that its recipe aims at"
    )
)
@one_line_errors
def train(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Networks with a recipe; all of them.")] = None,
    framework: Annotated[str, typer.Option(help="Train in it, or in all that are installed.")] = "all",
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
    """Train networks by their recipes."""
    from repro.runner import agreement, campaign, plan
    from repro.runner import goals as recipes
    from repro.terminal import verdicts

    goals = [recipes.load_goal(name) for name in names or ()] or list(recipes.GOALS)
    asked = agreement.frameworks_here() if framework == "all" else [framework]
    everywhere = [plan.where(name, device.value) for name in asked] or [plan.where(None, device.value)]
    options = campaign.Options(everywhere[0], side_by_side=jobs, paths=paths(data), quiet=quiet)
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
    """Write the page in a process of its own: reports is a room to the right, which nothing here may import."""
    print(f"\nkept in {folder}")
    if report:
        subprocess.run([sys.executable, "-m", "reports", str(folder)])
