"""Slurm: attempts are tasks of job arrays, and parts come back over the disk that all nodes share.

Slurm needs no driver: what was submitted goes on without it, and a later driver adopts it. For this the name of an
attempt's task is beside its folder before the task is submitted (`ATTEMPT.task`), so that no task is ever unknown.

Slurm's word is not the end of an attempt. Its part may be there before Slurm says so, or a shared disk shows it
later. So an attempt has ended when its part can be read, or when Slurm has called it over for the time of `grace`.
A task whose node failed or that was preempted is requeued: the same attempt runs again (fleet.execute sees to that).
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import secrets
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fleet import part
from fleet import unit as units
from fleet.engine import Attempt, Kind, Offer
from fleet.engines import _slurm_commands as commands
from fleet.engines._slurm_commands import Ask, Task
from fleet.part import Ended, Outcome, PartError
from fleet.unit import Needs
from impls.errors import InvalidInput, Unavailable
from impls.log import last_log_line

POLL = 5.0
"""Seconds between two questions to Slurm."""
GRACE = 120.0
"""Seconds that a shared disk may take to show the part of a task that is over."""
SILENCE = 900.0
"""Seconds without an answer of the controller after which the driver ends; what it submitted goes on."""
MARGIN = 300.0
"""Seconds beyond a unit's time limit: for a busy node, the node's check, and the part to be written."""
NO_SUCH_NODES = "Requested node configuration is not available"
"""Also said while all nodes are down, and then sbatch itself takes the job; so it refuses none."""


@dataclass
class _Running:
    """A submitted attempt. task: the name of its task. job: its id. over_since: when Slurm first called it over."""

    attempt: Attempt
    task: str
    job: str
    over_since: float | None = None

    @property
    def log(self) -> Path:
        """What Slurm and the process that runs the attempt print."""
        return _parts(self.attempt) / f"slurm-{self.task}.log"


@dataclass
class SlurmEngine:
    """Submits to the Slurm of this machine's configuration.

    further: the user's arguments of sbatch. at_once: tasks of an array that run at the same time, 0 for any number.
    """

    further: Sequence[str] = ()
    at_once: int = 0
    grace: float = GRACE
    poll: float = POLL
    ask: Ask = commands.ask
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    places = False
    _running: dict[tuple[str, int], _Running] = field(default_factory=dict)
    _refused: list[Ended] = field(default_factory=list)
    _next: float = 0.0
    _answered: float | None = None

    def check(self) -> None:
        """Unavailable if Slurm is not there or takes no such job."""
        command = ["sbatch", "--test-only", *_arguments(Needs(), 60.0, (), "0"), *self.further]
        answer = self.ask(command, "#!/bin/sh\n")
        if answer.code and NO_SUCH_NODES not in answer.error:
            raise Unavailable(f"Slurm takes no job: {answer.problem} ({shlex.join(['sbatch', *self.further])})")

    def nodes(self) -> Sequence[Offer]:
        return []

    def adopt(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """As Engine.adopt. Unavailable if Slurm does not tell what still runs: it must not be submitted again."""
        names = {attempt.key: _task_file(attempt).read_text() for attempt in attempts if _task_file(attempt).exists()}
        if not names:
            return []
        tasks = commands.queued(self.ask, {_job_name(name) for name in names.values()})
        if tasks is None:
            raise Unavailable("Slurm does not tell which jobs still run: squeue failed; resume when it answers")
        found = [attempt for attempt in attempts if names.get(attempt.key) in tasks]
        for attempt in found:
            name = names[attempt.key]
            self._running[attempt.key] = _Running(attempt, name, tasks[name].job)
        return found

    def submit(self, attempts: Sequence[Attempt]) -> None:
        most = commands.most_tasks(self.ask)
        for group in _alike(attempts):
            for start in range(0, len(group), most):
                self._submit(group[start : start + most])

    def _submit(self, attempts: Sequence[Attempt]) -> None:
        """Submit attempts with the same needs as one array."""
        name = f"deadheat-{secrets.token_hex(4)}"
        lines = []
        for index, attempt in enumerate(attempts):
            attempt.folder.mkdir(parents=True, exist_ok=True)
            unit = units.write(attempt.unit, attempt.folder)
            _task_file(attempt).write_text(f"{name}_{index}")
            lines.append(_case(index, unit, attempt))
        answer = self.ask(self._command(name, attempts), _script(lines))
        if answer.code:
            self._refuse(attempts, answer)
            return
        job = answer.output.strip().partition(";")[0]  # JOBID, or JOBID;CLUSTER
        for index, attempt in enumerate(attempts):
            self._running[attempt.key] = _Running(attempt, f"{name}_{index}", f"{job}_{index}")

    def _command(self, name: str, attempts: Sequence[Attempt]) -> list[str]:
        first = attempts[0]
        avoid = sorted(commands.node_names(self.ask).intersection(first.avoid)) if first.avoid else []
        array = f"0-{len(attempts) - 1}" + (f"%{self.at_once}" if self.at_once else "")
        limit = max(attempt.unit.time_limit for attempt in attempts)
        log = str(_parts(first) / "slurm-").replace("%", "%%") + "%x_%a.log"
        ours = [f"--job-name={name}", f"--output={log}", *_arguments(first.unit.needs, limit, avoid, array)]
        return ["sbatch", "--parsable", *ours, *self.further]

    def _refuse(self, attempts: Sequence[Attempt], answer: commands.Answer) -> None:
        """Attempts that may not go anywhere else are refused by the cluster; else nothing can be submitted."""
        if not attempts[0].avoid:
            raise Unavailable(f"Slurm took no job: {answer.problem}")
        reason = f"Slurm has no node besides {', '.join(attempts[0].avoid)} for it: {answer.problem}"
        self._refused += [Ended(*attempt.key, "", Outcome.REFUSED, reason) for attempt in attempts]

    def wait(self, seconds: float) -> Sequence[Ended]:
        if self._refused:
            refused, self._refused = self._refused, []
            return refused
        wait = self._next - self.clock() if self._running else seconds
        if wait > 0:
            self.sleep(min(wait, seconds))
            if wait > seconds or not self._running:
                return []
        self._next = self.clock() + self.poll
        tasks = self._tasks()
        return [ended for running in list(self._running.values()) if (ended := self._end(running, tasks))]

    def _tasks(self) -> Mapping[str, Task] | None:
        """What Slurm says of the attempts that run, by the names of their tasks; None if it does not answer now."""
        names = {_job_name(one.task) for one in self._running.values()}
        tasks = commands.queued(self.ask, names)
        now = self.clock()
        if tasks is None:
            self._answered = now if self._answered is None else self._answered
            if now - self._answered > SILENCE:
                raise Unavailable(f"Slurm has not answered for {now - self._answered:.0f} s; its jobs go on: resume")
            return None
        self._answered = now
        forgotten = {_job_name(one.task) for one in self._running.values() if one.task not in tasks}
        return {**commands.accounted(self.ask, forgotten), **tasks} if forgotten else tasks

    def _end(self, running: _Running, tasks: Mapping[str, Task] | None) -> Ended | None:
        """How the attempt ended, None if it goes on as far as is known."""
        attempt = running.attempt
        task = tasks.get(running.task) if tasks is not None else None
        with contextlib.suppress(PartError):
            ended = part.read(attempt.folder)
            self._forget(attempt)
            return _with_sharing(ended, attempt, task)
        if tasks is None or (task and task.goes_on):
            running.over_since = None
            return None
        now = self.clock()
        running.over_since = now if running.over_since is None else running.over_since
        if now - running.over_since < self.grace:
            return None
        if task and task.state in commands.GOING_ON:
            self.cancel(attempt)
        self._forget(attempt)
        return _without_part(running, task)

    def _forget(self, attempt: Attempt) -> None:
        self._running.pop(attempt.key, None)
        _task_file(attempt).unlink(missing_ok=True)

    def cancel(self, attempt: Attempt) -> None:
        if attempt.key in self._running:
            self.ask(["scancel", self._running[attempt.key].job], "")
            self._forget(attempt)

    def close(self) -> None:
        """Nothing ends: a later driver adopts what runs."""


def _parts(attempt: Attempt) -> Path:
    """The folder of all attempts of the attempt's campaign."""
    return attempt.folder.parent.parent


def _task_file(attempt: Attempt) -> Path:
    return attempt.folder.with_suffix(".task")


def _job_name(task: str) -> str:
    return task.rpartition("_")[0]


def _alike(attempts: Sequence[Attempt]) -> Iterator[list[Attempt]]:
    """The attempts of one campaign that ask Slurm for the same."""

    def asked(attempt: Attempt) -> tuple[str, bool, int, str, tuple[str, ...]]:
        needs = attempt.unit.needs
        return str(_parts(attempt)), needs.exclusive, needs.cards, needs.node, attempt.avoid

    for _, group in itertools.groupby(sorted(attempts, key=asked), asked):
        yield list(group)


def _arguments(needs: Needs, limit: float, avoid: Sequence[str], array: str) -> list[str]:
    """Arguments of sbatch. limit: in seconds. Memory of a node that is taken whole is taken whole, too."""
    room = ["--exclusive", "--mem=0"] if needs.exclusive else ["--cpus-per-task=1"]
    return [
        f"--array={array}", "--nodes=1", "--ntasks=1", *room, *([f"--gpus={needs.cards}"] if needs.cards else []),
        f"--time={math.ceil((limit + MARGIN) / 60)}", "--requeue", "--open-mode=append",
        "--export=NONE",  # a unit gets its node's environment, not the driver's
        f"--chdir={os.getcwd()}", *([f"--exclude={','.join(avoid)}"] if avoid else []),
        *([f"--nodelist={needs.node}"] if needs.node else []),
    ]  # fmt: skip


def _case(index: int, unit: Path, attempt: Attempt) -> str:
    given = ["--unit", str(unit.absolute()), "--attempt", str(attempt.number), "--out", str(attempt.folder.absolute())]
    return f"{index}) set -- {shlex.join(given)} ;;"


def _script(cases: Sequence[str]) -> str:
    """The array's script. It holds all attempts, as Slurm keeps it: a file on the shared disk might change."""
    return "\n".join(
        [
            "#!/bin/sh",
            'case "$SLURM_ARRAY_TASK_ID" in',
            *cases,
            "esac",
            f'exec {shlex.quote(sys.executable)} -m fleet.execute --name "$SLURMD_NODENAME" "$@"',
            "",
        ]
    )


def _with_sharing(ended: Ended, attempt: Attempt, task: Task | None) -> Ended:
    """The end, with a finding about its node if the unit should have had the node for itself, and did not."""
    if not attempt.unit.needs.exclusive or task is None or task.shared in ("", commands.NOT_SHARED):
        return ended
    found = {
        "about": "other jobs",
        "level": "caution",
        "what": f"Slurm may have run other jobs on the node at the same time (OverSubscribe={task.shared})",
        "remedy": "use a partition that allows --exclusive",
    }
    known: Any = ended.facts.get("checks", ())
    return replace(ended, facts={**ended.facts, "checks": [*known, found]})


def _without_part(running: _Running, task: Task | None) -> Ended:
    said = f"Slurm says {task}" if task else "Slurm does not know its job any more"
    node = task.node if task else ""
    outcome = Outcome.FAILED if task and task.state in commands.FAILED else Outcome.LOST
    return Ended(*running.attempt.key, node, outcome, f"it left no part; {said}{last_log_line(running.log)}")


def start(options: Mapping[str, str]) -> SlurmEngine:
    """The engine, once Slurm has said that it takes jobs; InvalidInput for wrong options, Unavailable without Slurm."""
    try:
        further = shlex.split(options.get("sbatch", ""))
    except ValueError as problem:
        raise InvalidInput(f"--sbatch {options['sbatch']!r} can't be split into arguments: {problem}") from None
    engine = SlurmEngine(
        further,
        int(_number(options, "tasks", 0, whole=True)),
        _number(options, "grace", GRACE),
        _number(options, "poll", POLL),
    )
    engine.check()
    return engine


def _number(options: Mapping[str, str], name: str, default: float, whole: bool = False) -> float:
    text = options.get(name, "")
    try:
        value = (int if whole else float)(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise InvalidInput(f"--{name} {text!r} is no {'whole ' if whole else ''}number of at least 0")
    return value


ENGINE = Kind(
    "slurm",
    start,
    {
        "sbatch": "further arguments of sbatch, such as '-p cpu -t 2:00:00'; they override Deadheat's own",
        "tasks": "units that run at the same time (default: as many as Slurm starts)",
        "grace": f"seconds that a shared disk may take to show a part (default: {GRACE:.0f})",
        "poll": f"seconds between two questions to Slurm (default: {POLL:.0f})",
    },
)
