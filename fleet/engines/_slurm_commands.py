"""Slurm's commands: how they are called, and what they answer (Slurm ≥ 20.11; tried with 22.05)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from impls.errors import Unavailable

TIMEOUT = 120.0
"""Seconds for an answer: the commands themselves try for up to a minute to reach the controller."""
GOING_ON = {
    "PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "COMPLETING", "STAGE_OUT",
    "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD",
}  # fmt: skip
"""States of tasks that run, or will run. A task that was preempted is pending again if the site requeues it."""
FAILED = {"FAILED", "TIMEOUT", "OUT_OF_MEMORY"}
"""States of tasks that ended by what they did, not by what became of their node."""
LAUNCH_FAILED = "launch failed requeued held"
"""Reason of a pending task whose script a node could not start: it is held until an administrator releases it."""
NOT_SHARED = "NO"


@dataclass(frozen=True)
class Answer:
    """What a command printed. code: its exit status."""

    code: int
    output: str
    error: str = ""

    @property
    def problem(self) -> str:
        """The last line of its error, without the command's name."""
        lines = [line.strip() for line in self.error.splitlines() if line.strip()]
        return lines[-1].removeprefix("sbatch: ").removeprefix("error: ") if lines else f"exit status {self.code}"


Ask = Callable[[Sequence[str], str], Answer]
"""Runs a command with a text as its input. Unavailable if there is no such command."""


def ask(command: Sequence[str], text: str = "") -> Answer:
    """As `Ask`. The shell's own settings for the output of squeue and sacct do not apply."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SQUEUE_", "SACCT_"))}
    try:
        done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    except FileNotFoundError:
        raise Unavailable(
            f"{command[0]} is not on PATH; run this on a login node of the cluster, or choose another engine"
        ) from None
    except subprocess.TimeoutExpired:
        return Answer(124, "", f"no answer within {TIMEOUT:.0f} s")
    return Answer(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Task:
    """A task of a job array. name: JOBNAME_INDEX. job: JOBID_INDEX. state: long form, such as "PENDING".

    shared: OverSubscribe, "NO" if its node has no other job; "" if unknown. reason: why it waits or failed.
    """

    name: str
    job: str
    state: str
    node: str = ""
    shared: str = ""
    reason: str = ""

    @property
    def goes_on(self) -> bool:
        return self.state in GOING_ON and self.reason != LAUNCH_FAILED

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason not in ("", "None") else ""
        return f"{self.state}{reason}{f' on node {self.node}' if self.node else ''}"


def queued(ask: Ask, names: Collection[str]) -> dict[str, Task] | None:
    """The tasks of jobs with these names that the controller knows, by their names; None if it does not answer.

    It forgets tasks some minutes after their end (MinJobAge).
    """
    answer = ask(
        ["squeue", "--noheader", "--array", "--states=all", f"--name={','.join(sorted(names))}",
         "--format=%j|%F|%K|%T|%h|%N|%r"], ""
    )  # fmt: skip
    if answer.code:
        return None
    return {task.name: task for task in map(_queued, answer.output.splitlines()) if task}


def _queued(line: str) -> Task | None:
    fields = line.strip().split("|", 6)
    if len(fields) < 7:
        return None
    name, job, index, state, shared, node, reason = fields
    return Task(f"{name}_{index}", f"{job}_{index}", state, node, shared, reason)


def accounted(ask: Ask, names: Collection[str]) -> dict[str, Task]:
    """As `queued`, of the accounting, which keeps tasks for good; nothing where the site has none."""
    answer = ask(
        ["sacct", "--noheader", "--parsable2", "--allocations", f"--name={','.join(sorted(names))}",
         "--starttime=now-30days", "--format=JobName,JobID,State,NodeList"], ""
    )  # fmt: skip
    lines = answer.output.splitlines() if not answer.code else []
    return {task.name: task for task in map(_accounted, lines) if task}


def _accounted(line: str) -> Task | None:
    """A line such as "deadheat-5f|123_4|CANCELLED by 1000|n1"; tasks that are still pending may be "123_[5-9]"."""
    fields = line.strip().split("|")
    if len(fields) != 4:
        return None
    name, job, state, node = fields
    index = job.partition("_")[2]
    words = state.split()
    return Task(f"{name}_{index}", job, words[0], node) if index.isdigit() and words else None


def node_names(ask: Ask) -> set[str]:
    """The names of all nodes of the cluster."""
    return set(_values(ask(["scontrol", "show", "nodes", "--oneliner"], "").output, "NodeName"))


def most_tasks(ask: Ask) -> int:
    """How many tasks an array can have, from index 0."""
    for line in ask(["scontrol", "show", "config"], "").output.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "MaxArraySize" and value.strip().isdigit():
            return max(1, int(value))
    return 1000


def _values(text: str, name: str) -> Iterator[str]:
    for word in text.split():
        key, equals, value = word.partition("=")
        if equals and key == name:
            yield value
