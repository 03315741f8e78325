"""Nodes: what a machine says of itself, and whether a process on it is as it was outside the engine.

An engine may change what it starts: Ray runs its workers at niceness 15, marks them for the out-of-memory killer and
sets OMP_NUM_THREADS. A time measured so is of another machine. So a node is described before an engine starts
(`describe`), units get the environment of that time, and a unit whose process differs is refused (`differences`).
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import psutil
from pydantic import TypeAdapter, ValidationError

from impls.errors import InvalidInput
from impls.files import whole_file
from impls.host import nvidia, usable
from results import machine, strict_json
from results.schema.record import first_problem

FILE = "node.json"
VISIBLE = "CUDA_VISIBLE_DEVICES"
WATCHED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", VISIBLE, "RAYON_NUM_THREADS")
"""Variables that engines set for what they start."""


@dataclass(frozen=True)
class State:
    """What a process inherits and an engine may change. None: the system does not tell."""

    niceness: int | None
    oom_score_adj: int | None
    cores: tuple[int, ...]
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Node:
    """A machine that runs units.

    type: nodes of one type are replicates of each other (`machine_type`). software: digest of all installed packages.
    slots: units that are not timed run on so many at once. spool: folder for the attempts and locks of this node.
    environment: all variables that its units get. state: of the process that described it.
    """

    id: str
    type: str
    machine: Mapping[str, Any]
    software: str
    slots: int
    spool: str
    python: str
    environment: Mapping[str, str]
    state: State
    folder: str = ""
    """The working directory of its units."""

    def facts(self) -> dict[str, Any]:
        """What a campaign keeps of it: results.schema.system.NodeFacts."""
        return {"type": self.type, "machine": dict(self.machine), "environment": self.software}


def describe(name: str = "", slots: int = 1, spool: Path | None = None) -> Node:
    """This machine, as it is now, outside any engine. `spool`: default below the user's cache."""
    id = re.sub(r"[^A-Za-z0-9._-]+", "-", name or socket.gethostname())
    described = machine.describe(nvidia.state())
    return Node(
        id=id,
        type=machine_type(described),
        machine=described,
        software=software(),
        slots=slots,
        spool=str((spool or default_spool() / id).absolute()),
        python=sys.executable,
        environment=dict(os.environ),
        state=state(),
        folder=os.getcwd(),
    )


def default_spool() -> Path:
    import pooch

    return Path(pooch.os_cache("deadheat")) / "fleet"


def machine_type(described: Mapping[str, Any]) -> str:
    """Processor, usable cores and cards in a word: "amd-epyc-7763-16c" or "intel-xeon-8480-32c-4x-nvidia-h100"."""
    cores = described.get("allowed_cores") or described.get("threads") or 0
    cards = [str(card.get("name") or "card") for card in described.get("gpus") or ()]
    names = [_word(str(described.get("cpu") or "unknown"))[:36].strip("-"), f"{cores}c"]
    names += [f"{cards.count(name)}x-{_word(name)[:20].strip('-')}" for name in dict.fromkeys(cards)]
    return "-".join(names)


def _word(text: str) -> str:
    plain = re.sub(r"\((r|tm)\)|\bcpu\b|\bprocessor\b|@.*", " ", text.lower())
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def software() -> str:
    """A digest of Python's version and of the name and version of every installed package."""
    found = {f"{one.metadata['Name']}=={one.version}".lower() for one in distributions()}
    text = "\n".join([sys.version, *sorted(found)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def state() -> State:
    """The state of this process."""
    return State(
        niceness=os.nice(0) if hasattr(os, "nice") else None,
        oom_score_adj=_oom_score_adj(),
        cores=tuple(usable.allowed_cores()),
        variables={name: os.environ[name] for name in WATCHED if name in os.environ},
    )


def _oom_score_adj() -> int | None:
    try:
        return int(Path("/proc/self/oom_score_adj").read_text())
    except (OSError, ValueError):
        return None


def differences(outside: State, inside: State) -> Iterator[str]:
    """What of a process is not as it was outside the engine, a phrase each."""
    before, here = asdict(outside), asdict(inside)
    for name, label in (("niceness", "niceness"), ("oom_score_adj", "oom_score_adj"), ("cores", "allowed cores")):
        if before[name] != here[name]:
            yield f"{label} is {here[name]}, outside the engine it is {before[name]}"
    for name in WATCHED:
        if (was := outside.variables.get(name)) != (now := inside.variables.get(name)):
            yield f"{name} is {now or 'not set'}, outside the engine it is {was or 'not set'}"


def save(node: Node, name: str = FILE) -> Path:
    """Write the node's file into its spool; readable by its user only, as variables may be secrets.

    InvalidInput for a spool that can't be written.
    """
    spool = Path(node.spool)
    old = os.umask(0o077)
    try:
        spool.mkdir(parents=True, exist_ok=True)
        with whole_file(spool / name) as file:
            file.write((strict_json.dumps(asdict(node), indent=1) + "\n").encode())
    except OSError as problem:
        raise InvalidInput(f"spool {str(spool)!r} can't be written: {problem.strerror or problem}") from None
    finally:
        os.umask(old)
    return spool / name


def own_file() -> str:
    """The name of a node's file that is of this process alone."""
    return f"{FILE.removesuffix('.json')}-{os.getpid()}.json"


def remove_left(node: Node) -> None:
    """Remove the files that killed processes have left in the spool: variables may be secrets."""
    for file in Path(node.spool).glob("node-*.json"):
        process = file.stem.removeprefix("node-")
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            file.unlink(missing_ok=True)


def load(path: Path) -> Node:
    """The node in a file; InvalidInput if there is none."""
    try:
        return TypeAdapter(Node).validate_json(path.read_bytes())
    except OSError as problem:
        raise InvalidInput(f"no node in {str(path)!r}: {problem.strerror or problem}") from None
    except ValidationError as problem:
        raise InvalidInput(f"{str(path)!r} describes no node: {first_problem(problem)}") from None
