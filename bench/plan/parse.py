"""Contestants and image sizes as they are written in suites and options."""

from __future__ import annotations

import re

from bench.plan import settings
from impls.errors import InvalidInput
from impls.frameworks import checked, load_framework
from impls.layers import Pair
from results.schema import renames
from results.schema.record import STEADY, Contestant


def parse_contestant(text: str) -> Contestant:
    """The contestant written as framework:execution@interpreter+setting.

    Only the framework is required; the execution defaults to the framework's first. UnknownName for unknown parts.
    """
    rest, _, set_up = renames.contestant(text).partition("+")
    named, _, interpreter = rest.partition("@")
    framework, _, execution = named.partition(":")
    loaded = load_framework(framework)
    return Contestant(
        framework,
        loaded.execution(execution).name if execution else loaded.executions[0].name,
        interpreter,
        checked("setting", set_up, tuple(settings.SETTINGS)) if set_up else STEADY,
    )


def parse_devices(text: str) -> tuple[int, ...]:
    """Numbers of devices, written with commas between; InvalidInput with the form allowed."""
    if not re.fullmatch(r"[1-9][0-9]{0,3}(,[1-9][0-9]{0,3})*", text):
        raise InvalidInput(f"--devices {text!r}: give positive numbers with commas between, such as 4 or 1,2,4")
    return tuple(dict.fromkeys(map(int, text.split(","))))


SIDE = r"\s*0*([1-9][0-9]{0,8})\s*"


def parse_size(text: int | str) -> Pair:
    """A side, or "HxW" (height x width), as (height, width); InvalidInput with the forms allowed."""
    sides = re.fullmatch(rf"{SIDE}(?:x{SIDE})?", str(text), re.IGNORECASE)
    if not sides:
        raise InvalidInput(
            f"size {text!r} is neither a positive number of pixels nor HEIGHTxWIDTH, such as 224 or 180x240"
        )
    return int(sides[1]), int(sides[2] or sides[1])
