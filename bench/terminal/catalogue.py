"""Lists architectures, frameworks, suites and presets, without importing any framework."""

from __future__ import annotations

from typing import Any

from bench.shipped import PRESETS, SUITES, titles
from impls.architectures import architectures
from impls.frameworks import Execution, frameworks


def everything() -> dict[str, Any]:
    """Names of architectures, suites and presets; frameworks with their executions and whether they are installed.

    By execution, `missing` says why it cannot run here and what would bring it, `levels` how networks are written in it
    (impls.frameworks.LEVELS), `phases` what it runs.
    """
    return {
        "architectures": list(architectures()),
        "frameworks": [
            {
                "name": one.name,
                "title": one.title,
                "installed": one.missing() is None,
                "executions": [execution.name for execution in one.executions],
                "missing": {ex.name: why for ex in one.executions if (why := one.missing_here(ex))},
                "levels": {ex.name: ex.level for ex in one.executions},
                "phases": {ex.name: ex.phases for ex in one.executions},
            }
            for one in frameworks().values()
        ],
        "suites": list(suites()),
        "presets": list(presets()),
    }


def suites() -> dict[str, str]:
    """The suites and their titles."""
    return titles(SUITES)


def presets() -> dict[str, str]:
    """The presets, which say how to measure, and their titles."""
    return titles(PRESETS)


def as_text() -> str:
    """The same for people, with a line of explanation each."""
    lines = ["architectures"]
    for architecture in architectures().values():
        shape = "x".join(map(str, architecture.input_shape))
        lines.append(f"  {architecture.name:18} {shape:12} {architecture.title}")
    lines += ["", "frameworks"]
    for framework in frameworks().values():
        lines.append(f"  {framework.name:18} {framework.missing() or 'installed'}")
        for execution in framework.executions:
            reason = framework.missing_here(execution) if framework.missing() is None else None
            told = "; ".join(filter(None, (_said(execution), reason)))
            lines.append(f"    {execution.name:20} {execution.note}{f' ({told})' if told else ''}")
    for heading, listed in (("suites (what to measure)", suites()), ("presets (how to measure)", presets())):
        lines += ["", heading, *(f"  {name:22} {title}" for name, title in listed.items())]
    return "\n".join(lines)


def _said(execution: Execution) -> str:
    """What distinguishes an execution from most: its level, and that it lacks phases."""
    level = execution.level if execution.level != "tuned" else None
    return "; ".join(filter(None, (level, execution.lacks("train"))))
