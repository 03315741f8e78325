"""python -m bench fleet: measure with several machines."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from impls.command import ExitStatus, help_epilog, one_line_errors, path_argument
from impls.errors import InvalidInput

if TYPE_CHECKING:  # a help text does not need them
    from bench.fleet.campaigns import Plan
    from bench.fleet.units import Order
    from fleet.unit import Unit
    from fleet.work import Work

RESUMABLE = {"resume", "engine", "wait", "address", "sbatch", "results", "report", "until_decided", "budget"}
"""Parameters of `run` that may be typed with --resume: none of them changes the units that there are."""

app = typer.Typer(
    help="Measure with several machines: start nodes, run a suite on them, merge what other schedulers ran.",
    epilog=help_epilog(
        "python -m bench fleet run --engine local --suite smoke",
        "python -m bench fleet run --help",
        found="a machine is not fit, or a unit has no part",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Results = Annotated[Path, typer.Option("--results", parser=path_argument, help="Folder that contains campaigns.")]
SuiteName = Annotated[str, typer.Option(help="Suite, by name or as a TOML file.")]
Preset = Annotated[str | None, typer.Option(help="Measurement settings in place of the suite's.")]
Level = Annotated[str | None, typer.Option(help="tuned or idiomatic, for all contestants.")]
Nodes = Annotated[int, typer.Option(help="Number of machines that measure each network.", min=1)]
Launches = Annotated[int, typer.Option(help="Number of launches of each network on each machine.", min=1)]
Limit = Annotated[str, typer.Option("--unit-limit", help="Time limit for the launches of one network on one machine.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
NoDoctor = Annotated[bool, typer.Option("--no-doctor", help="Do not examine machines before they measure.")]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write the HTML report.")]


@app.command(
    epilog=help_epilog(
        "python -m bench fleet node --head",
        "python -m bench fleet node --address 10.0.0.1:6379 --slots 8",
        found="the machine is not fit for measurements",
    )
)
@one_line_errors
def node(
    head: Annotated[bool, typer.Option("--head", help="The first machine, which the others join.")] = False,
    address: Annotated[str, typer.Option(help="HOST:PORT of the first machine, to join it.")] = "",
    slots: Annotated[
        int, typer.Option(help="Trainings at once on this machine; timing always has it alone.", min=1)
    ] = 1,
    name: Annotated[str, typer.Option(help="Name of this machine (default: its host name).")] = "",
    port: Annotated[int, typer.Option(help="Port of the first machine.")] = 6379,
    ip: Annotated[str, typer.Option(help="Address of this machine in the private network.")] = "",
    spool: Annotated[
        Path | None, typer.Option(parser=path_argument, help="Folder for what it measures, until it is collected.")
    ] = None,
    engine: Annotated[str, typer.Option(help="What brings work to machines.")] = "ray",
    no_doctor: NoDoctor = False,
) -> None:
    """Make this machine a node of a fleet. With Ray, `ray stop` ends that."""
    from fleet import node as nodes
    from fleet.engine import load_engine

    if head == bool(address):
        raise InvalidInput("give --head on the first machine, and --address HOST:PORT on the others")
    if not no_doctor:
        _refuse_unfit()
    here = nodes.describe(name, slots, spool)
    join = load_engine(engine).join
    if join is None:
        raise InvalidInput(f"machines do not join {engine}: it runs units where its scheduler puts them")
    needed = join(here, address, port, ip)
    print(f"node {here.id} of type {here.type}, {slots} slot{'s' * (slots > 1)}, packages {here.software}")
    if head:
        where = f"{ip or 'HOST'}:{port}"
        print(f"on the other machines: python -m bench fleet node --address {where}")
        print("\n".join(needed))


def _refuse_unfit() -> None:
    from bench.validation import doctor

    findings = [one for one in doctor.examine(3.0) if one.level == doctor.BAD]
    if findings:
        doctor.print_findings(findings)
        print("error: this machine is not fit for measurements; mend that, or join with --no-doctor", file=sys.stderr)
        raise typer.Exit(ExitStatus.FINDINGS)


@app.command(
    epilog=help_epilog(
        "python -m bench fleet run --engine ray --preset standard --nodes 3",
        'python -m bench fleet run --engine slurm --suite gpu --device cuda --sbatch "-p gpu"',
        "python -m bench fleet run --engine ray --resume CAMPAIGN",
        found="a unit has no part",
    )
)
@one_line_errors
def run(
    context: typer.Context,
    engine: Annotated[str, typer.Option(help="What brings work to machines: local, ray or slurm.")] = "local",
    suite: SuiteName = "quick",
    preset: Preset = None,
    level: Level = None,
    device: Device = "cpu",
    nodes: Nodes = 1,
    type: Annotated[
        list[str] | None, typer.Option("--type", help="Machine type to measure on (default: each that is there).")
    ] = None,
    launches: Launches = 5,
    unit_limit: Limit = "1h",
    resume: Annotated[str | None, typer.Option(help="Go on with a campaign: what has no part yet.")] = None,
    wait: Annotated[str, typer.Option(help="How long to wait for machines to join.")] = "10m",
    mixed: Annotated[bool, typer.Option("--mixed", help="Measure on machines whose packages differ, too.")] = False,
    no_doctor: NoDoctor = False,
    address: Annotated[str, typer.Option(help="Ray: HOST:PORT of the first machine.")] = "",
    sbatch: Annotated[str, typer.Option(help="Slurm: further options of sbatch.")] = "",
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Then launch networks with undecided verdicts again.")
    ] = False,
    budget: Annotated[
        str | None, typer.Option(help="Time limit of --until-decided, such as 2h (default: the suite's budget).")
    ] = None,
    results: Results = Path("results/data"),
    report: Report = True,
) -> None:
    """Measure a suite with several machines; one campaign for each machine type."""
    from bench.fleet import campaigns
    from bench.fleet.units import Order
    from fleet import node as here
    from fleet.engine import load_engine
    from fleet.screen import Screen
    from impls.host.termination import Termination
    from results.store.campaigns import check_writable, find_campaign
    from results.units import seconds

    if budget and not until_decided:
        raise InvalidInput("--budget limits --until-decided, which was not given; a unit's time limit is --unit-limit")
    within = seconds(budget) if budget else None
    kind, patience = load_engine(engine), seconds(wait)
    folder = find_campaign(resume, results) if resume else None
    order = Order(nodes, launches, seconds(unit_limit), check=not no_doctor)
    plan = None if folder else _planned(context, suite, preset, level, device, order, results)
    parts = [(folder, campaigns.units_in(folder))] if folder else []
    if folder:
        _refuse_changes(context)
    check_writable(folder or results)
    with ExitStack() as open, Termination():
        going = kind.start({"address": address, "sbatch": sbatch})
        open.callback(going.close)
        if going.places and not kind.join:
            patience = 0.0  # no further machine can join
        if plan:
            offers = campaigns.joined(going, type or (), nodes, patience, _say) if going.places else []
            digests = {one.type: "" for one in offers} if mixed else campaigns.same_software(offers)
            wanted = digests or {"": "" if mixed else here.software()}
            parts = [plan.begin(one, digest, len(wanted) > 1) for one, digest in wanted.items()]
        command = _command(context) if folder else ""
        works = [open.enter_context(campaigns.opened(*one, command)) for one in parts]
        campaigns.measure(going, works, Screen(), patience, _further(works, until_decided, within))
    for work in works:
        _show(work)
    again = f"{context.command_path} --engine {engine}{' --until-decided' if until_decided else ''}"
    again += "".join(
        f" --{name} {shlex.quote(said)}" for name, said in (("address", address), ("sbatch", sbatch)) if said
    )
    for work in works:
        if work.without_part:
            print(f"go on with: {again} --resume {shlex.quote(str(work.sink.folder))}")
    _end(works, report)


def _further(works: Sequence[Work], until_decided: bool, within: float | None) -> Callable[[Work], Sequence[Unit]]:
    """Gives further units for so many seconds, or for the budget of the suite; none without --until-decided."""
    from bench.fleet.further import UntilDecided
    from bench.fleet.units import Share

    if not until_decided:
        return lambda work: ()
    return UntilDecided(Share.of(works[0].units[0].payload).suite.budget if within is None else within)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _command(context: typer.Context) -> str:
    """What the user typed."""
    return f"{context.command_path} {shlex.join(sys.argv[3:])}".rstrip()


def _planned(
    context: typer.Context, suite: str, preset: str | None, level: str | None, device: str, order: Order, results: Path
) -> Plan:
    """What is to be measured; DeadheatError for wrong options."""
    from bench.fleet import campaigns
    from bench.session import Options, planned_suite
    from impls.frameworks import DEVICES, checked

    chosen = planned_suite(Options(suite, results, preset=preset, level=level))
    device = checked("device", device, DEVICES)
    plan = campaigns.Plan(suite, chosen, device, _command(context), results, order)
    plan.check()
    return plan


def _refuse_changes(context: typer.Context) -> None:
    """InvalidInput for an option that would change the units of a resumed campaign."""
    for option in context.command.params:
        source = context.get_parameter_source(str(option.name))
        if source and source.name == "COMMANDLINE" and option.name not in RESUMABLE:
            raise InvalidInput(
                f"{option.opts[0]} cannot be changed in a resumed campaign; omit it, or measure without --resume"
            )


@app.command(epilog=help_epilog("python -m bench fleet plan --preset standard --nodes 3"))
@one_line_errors
def plan(
    context: typer.Context,
    suite: SuiteName = "quick",
    preset: Preset = None,
    level: Level = None,
    device: Device = "cpu",
    nodes: Nodes = 1,
    launches: Launches = 5,
    unit_limit: Limit = "1h",
    no_doctor: NoDoctor = False,
    results: Results = Path("results/data"),
) -> None:
    """Write the units of a suite for a scheduler of your own, which runs each with python -m fleet.execute."""
    from bench.fleet.units import Order
    from results.store.campaigns import check_writable
    from results.units import seconds

    order = Order(nodes, launches, seconds(unit_limit), check=not no_doctor)
    made = _planned(context, suite, preset, level, device, order, results)
    check_writable(results)
    folder, units = made.begin("", "", False)
    print(f"{len(units)} units: {folder}/fleet/units")
    print(f"when they have run: {context.command_path.removesuffix('plan')}collect {shlex.quote(str(folder))}")


@app.command(
    epilog=help_epilog(
        "python -m bench fleet collect CAMPAIGN",
        "python -m bench fleet collect CAMPAIGN SPOOL …",
        found="a unit has no part",
    )
)
@one_line_errors
def collect(
    campaign: Annotated[str, typer.Argument(help="Name or folder of a campaign of several machines.")],
    folders: Annotated[
        list[Path] | None, typer.Argument(parser=path_argument, help="Other folders with parts, such as nodes' spools.")
    ] = None,
    results: Results = Path("results/data"),
    report: Report = True,
) -> None:
    """Merge the parts that other schedulers ran, or that nodes still have."""
    from bench.fleet import campaigns

    work, lines = campaigns.collect(campaign, folders or (), results)
    print("\n".join(lines), end="\n" if lines else "")
    _show(work)
    _end([work], report)


def _show(work: Work) -> None:
    """Print the summary of a campaign, and what it lacks."""
    from bench.terminal.summary import print_summary
    from results import advice
    from results.store.campaigns import read_campaign

    found = read_campaign(work.sink.folder)
    if found.records:
        print_summary(found, advice.warnings_for(found), brief=False, details=False)
    print(f"results: {work.sink.folder}")
    if missing := work.without_part:
        print(f"{len(missing)} of {len(work.units)} units have no part:")
        for unit in missing:
            print(f"  {unit.label}: {work.why_without_part(unit)}")
    else:
        print(f"{len(work.units)} of {len(work.units)} units have a part")


def _end(works: Sequence[Work], report: bool) -> NoReturn:
    """Write the reports, which may take long, last; then end the command."""
    from bench.session import make_report

    for folder in (work.sink.folder for work in works if report and work.accepted):
        print(make_report(folder, Path("reports/html")))
    raise typer.Exit(ExitStatus.FINDINGS if any(work.without_part for work in works) else ExitStatus.OK)
