"""Variables of the shell that a campaign's launches had, as its system.json says; older ones say nothing of them."""

from __future__ import annotations

from collections.abc import Mapping

from results.schema.system import System, Variables


def kept(system: System) -> Mapping[str, str]:
    """What its suite sets for all launches: those that --keep-env took from the shell, and the suite file's own."""
    return system.suite.environment


def inherited(system: System) -> Mapping[str, str]:
    """What launches as shipped had that is known to change times."""
    return (system.environment or Variables()).inherited


def choosing(system: System) -> Mapping[str, str]:
    """What chose libraries, card or compiler."""
    return (system.environment or Variables()).choosing
