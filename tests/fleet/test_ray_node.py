"""How Ray is started on a node. Real Ray: tests/fleet/engines."""

from __future__ import annotations

from fleet import node as nodes
from fleet.engines import _ray_node


def test_only_the_first_node_has_options_of_a_head(tmp_path):
    node = nodes.describe("n1", spool=tmp_path)
    first, other = (_ray_node.start_command(node, address, 6379, "10.0.0.1") for address in ("", "10.0.0.9:6379"))
    assert {"--head", "--port=6379", "--include-dashboard=false"} <= set(first)
    assert "--address=10.0.0.9:6379" in other
    assert not {"--head", "--port=6379", "--include-dashboard=false"} & set(other), "Ray refuses them"
    assert {"--node-ip-address=10.0.0.1", "--disable-usage-stats", "--num-cpus=1"} <= set(first) & set(other)


def test_a_setting_of_the_shell_wins(monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_health_check_failure_threshold", "7")
    found = _ray_node.variables(tmp_path / "node.json")
    assert found["RAY_health_check_failure_threshold"] == "7"
    assert found["RAY_worker_niceness"] == "0"
    assert found["RAY_AUTH_MODE"] == "token"
