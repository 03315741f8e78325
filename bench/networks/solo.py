"""Solo copies of networks: the same network under another name, so that a contestant is timed alone in its own group.

A group is one workload with all contestants that run it. The suite `interference` times contestants both together and
alone; each contestant that runs alone has its own copy.
"""

from __future__ import annotations

from dataclasses import replace

from impls import load_architecture
from impls.network import Architecture

SOLO = "-solo-"
"""Separates the network's name from the letter of the contestant that runs the copy."""


def _solo(name: str, letter: str) -> Architecture:
    network = load_architecture(name)
    return replace(network, name=f"{name}{SOLO}{letter.lower()}", title=f"{network.title}, for a contestant alone")


def original(name: str) -> str | None:
    """The network of a solo copy's name; None for other names."""
    return name.partition(SOLO)[0] if SOLO in name else None


LENET5_A, LENET5_B, LENET5_C = (_solo("lenet5", letter) for letter in "ABC")
ALEXNET_A, ALEXNET_B, ALEXNET_C = (_solo("alexnet", letter) for letter in "ABC")
