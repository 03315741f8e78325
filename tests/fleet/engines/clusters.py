"""Real Ray clusters on this machine: a head that runs nothing, and raylets that are nodes."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet import node as nodes
from fleet.engines import _ray_node
from fleet.node import Node

HEALTH = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}
"""A stopped node is noticed within seconds."""
TOKEN = uuid.uuid4().hex


@dataclass
class Fleet:
    """A cluster with nodes by name."""

    cluster: Any
    folder: Path
    nodes: dict[str, Node] = field(default_factory=dict)
    raylets: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def add(self, name: str, slots: int = 1) -> Node:
        node = nodes.describe(name, slots, self.folder / name)
        self.nodes[name] = node
        file = nodes.save(node)
        self.raylets[name] = self.cluster.add_node(
            num_cpus=1,
            resources={_ray_node.MACHINE: 1},
            labels=_ray_node.labels(node),
            env_vars=_ray_node.variables(file),
        )
        return node

    def remove(self, name: str) -> None:
        """As if its plug were pulled."""
        self.cluster.remove_node(self.raylets.pop(name), allow_graceful=False)


@contextmanager
def fleet(folder: Path, names: tuple[str, ...] = ("n1", "n2"), slots: int = 1) -> Iterator[Fleet]:
    before = dict(os.environ)
    os.environ.update({**_ray_node.settings(), **HEALTH, "RAY_AUTH_TOKEN": TOKEN})  # Ray reads them when it is imported
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made = Fleet(cluster, folder)
    try:
        for name in names:
            made.add(name, slots)
        yield made
    finally:
        cluster.shutdown()
        os.environ.clear()
        os.environ.update(before)
