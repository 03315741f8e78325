"""Other Python interpreters for contestants: how to start one, and which packages it has.

Two releases of a framework are compared within one campaign by giving each its own interpreter and a label:
contestants pytorch:eager@old and pytorch:eager@new.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.plan import settings, software
from impls.errors import InvalidInput
from impls.frameworks import load_framework
from impls.paths import typed_path
from results.schema import renames
from results.schema.record import Contestant

ROOT = Path(__file__).parent.parent.parent
TOO_LONG = 60.0

QUESTION = """
import json, sys
import bench.worker.tasks
from bench.plan import software
from impls.frameworks import DEVICES, load_framework
found = load_framework(sys.argv[1])
print(json.dumps({
    "python": sys.version.split()[0],
    "missing": {device: found.missing(found.execution(sys.argv[2]), device) for device in DEVICES},
    "versions": found.versions(),
    "software": software.describe(sys.argv[1], sys.argv[2]),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python to run contestants with; `label` is "" for the current interpreter."""

    label: str
    path: str

    @property
    def command(self) -> list[str]:
        return [self.path]

    def environment(self) -> Mapping[str, str]:
        """PYTHONPATH with this project; the current interpreter also gets its own sys.path."""
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")] if self.label else sys.path
        return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def ask(self, framework: str, execution: str, environment: Mapping[str, str]) -> dict[str, Any]:
        """`python` (version), `missing` (by device: what the execution lacks, or None), `versions` of its packages.

        Also `software`, what its results depend on (bench.plan.software).
        environment: all variables of the process besides PYTHONPATH. InvalidInput if it does not start, or lacks a
        dependency of the harness.
        """
        return _ask(self, framework, execution, tuple(environment.items()))


@cache
def _ask(
    interpreter: Interpreter, framework: str, execution: str, environment: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    where = f"interpreter {interpreter.label!r} ({interpreter.path})"
    try:
        done = subprocess.run(
            [*interpreter.command, "-c", QUESTION, framework, execution],
            env={**dict(environment), **interpreter.environment()},
            capture_output=True,
            text=True,
            timeout=TOO_LONG,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise InvalidInput(f"{where} cannot be run: {problem}; give the path of a python executable") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no error output"])[-1]
        raise InvalidInput(
            f"{where} cannot measure: {last}; install the harness and its framework there: "
            f"{interpreter.path} -m pip install 'deadheat[{framework}]'"
        )
    try:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # packages may print when they are imported
        return {key: answer[key] for key in ("python", "missing", "versions", "software")}
    except (LookupError, TypeError, ValueError):
        raise InvalidInput(f"{where} is no Python: it printed {done.stdout[:60]!r}; give the path of one") from None


OWN = Interpreter("", sys.executable)


def interpreter_of(contestant: Contestant, paths: Mapping[str, str]) -> Interpreter:
    """The Python that runs a contestant. InvalidInput if `paths` has no path for its label."""
    if not contestant.interpreter:
        return OWN
    if contestant.interpreter not in paths:
        known = ", ".join(sorted(paths)) or "none"
        raise InvalidInput(
            f"no interpreter is called {contestant.interpreter!r} (of {contestant.id}); known: {known}; "
            f"name it with --interpreter {contestant.framework}@{contestant.interpreter}=PATH"
        )
    return Interpreter(contestant.interpreter, str(typed_path(paths[contestant.interpreter])))


def missing(
    contestant: Contestant, paths: Mapping[str, str], suite_environment: Mapping[str, str], device: str = "cpu"
) -> str | None:
    """Why a contestant cannot run here on a device and how to install it; None if it can.

    suite_environment: the suite's `environment`.
    """
    framework = load_framework(contestant.framework)
    interpreter = interpreter_of(contestant, paths)
    if interpreter is OWN:
        return framework.missing(framework.execution(contestant.execution), device)
    reason: str | None = _answer(interpreter, contestant, suite_environment)["missing"][device]
    return reason


def versions(contestant: Contestant, paths: Mapping[str, str], suite_environment: Mapping[str, str]) -> dict[str, str]:
    """Versions of a contestant's packages, and of its Python if it has its own interpreter."""
    interpreter = interpreter_of(contestant, paths)
    if interpreter is OWN:
        return load_framework(contestant.framework).versions()
    answer = _answer(interpreter, contestant, suite_environment)
    return {"python": answer["python"], **answer["versions"]}


def software_of(
    contestant: Contestant, paths: Mapping[str, str], suite_environment: Mapping[str, str]
) -> dict[str, Any]:
    """The software that a contestant's results depend on (bench.plan.software), as JSON values."""
    interpreter = interpreter_of(contestant, paths)
    if interpreter is OWN:
        return software.describe(contestant.framework, contestant.execution)
    answer: dict[str, Any] = _answer(interpreter, contestant, suite_environment)["software"]
    return answer


def _answer(interpreter: Interpreter, contestant: Contestant, suite_environment: Mapping[str, str]) -> dict[str, Any]:
    """The interpreter's answer with the environment of the contestant's launches."""
    environment = {**settings.inherited(contestant.setting, os.environ), **suite_environment}
    return interpreter.ask(contestant.framework, contestant.execution, environment)


def parse(text: str) -> tuple[str, Interpreter]:
    """(framework, interpreter) of --interpreter FRAMEWORK@LABEL=PATH; the label defaults to the name of its folder."""
    named, equals, path = text.partition("=")
    framework, _, label = named.partition("@")
    if not equals or not path or not framework:
        raise InvalidInput(
            f"--interpreter {text!r} is not FRAMEWORK@LABEL=PATH, such as pytorch@old=/envs/a/bin/python"
        )
    framework = renames.contestant(framework)
    load_framework(framework)
    path = str(typed_path(path))
    label = label or Path(path).absolute().parent.parent.name
    if not label or "+" in label:  # an empty label means the current interpreter; a + begins a contestant's setting
        raise InvalidInput(f"--interpreter {text!r} has no valid label; write {framework}@LABEL={path}")
    return framework, Interpreter(label, path)
