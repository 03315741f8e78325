"""Starts Ray on a node so that what it runs is as it would be without Ray, and runs attempts in Ray's workers.

The settings, and what Ray does without them (Ray 2.60, src/ray/common/ray_config_def.h unless another file is named):

    RAY_worker_niceness=0                      workers, and what they start, run at niceness 15
    RAY_worker_oom_score_adjustment=0          the kernel kills workers first when memory is short
    RAY_memory_monitor_refresh_ms=0            Ray kills workers itself at 95 % of the memory
    RAY_health_check_failure_threshold=20      a busy node is declared dead after five missed checks, 15 s
    RAY_AUTH_MODE=token                        whoever reaches the port can run code
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=1       num_gpus=0 leaves the cards visible (accelerators/accelerator.py)
    --num-cpus=1                               one idle Python is started for each CPU (services.py)
    --include-dashboard=false, --disable-usage-stats   processes that look around and report
    OMP_NUM_THREADS                            set for every worker (_private/utils.py): units get the node's own

Retries are off at each task (max_retries=0): the driver makes attempts, and numbers them.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from fleet import node as nodes
from fleet import part
from fleet.engines.local import attempt_log, command, why_no_end
from fleet.node import Node
from impls.errors import Unavailable

NODE_FILE = "DEADHEAT_FLEET_NODE"
"""Variable of Ray's workers with the path of the node's file."""
MACHINE = "machine"
"""Ray's custom resource: 1 a node; a unit that is timed takes all of it."""
NAME, TYPE, SOFTWARE, SLOTS, CARDS = (f"deadheat/{name}" for name in ("node", "type", "software", "slots", "cards"))
"""Labels of Ray's nodes."""
OBJECT_STORE_BYTES = 256 * 2**20
KEPT_ATTEMPTS = 20
"""Attempts that stay in a node's spool: whoever lost its driver can collect them."""
SETTINGS: Mapping[str, str] = {
    "RAY_worker_niceness": "0",
    "RAY_worker_oom_score_adjustment": "0",
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_health_check_failure_threshold": "20",
    "RAY_AUTH_MODE": "token",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
}


def settings() -> dict[str, str]:
    """The settings; what the shell sets under the same names is left as it is."""
    return {name: os.environ.get(name, value) for name, value in SETTINGS.items()}


def variables(file: Path) -> dict[str, str]:
    """Variables of Ray's processes on the node that is described in the file."""
    return {**settings(), NODE_FILE: str(file)}


def labels(node: Node) -> dict[str, str]:
    cards = len(node.machine.get("gpus") or ())
    facts = {NAME: node.id, TYPE: node.type, SOFTWARE: node.software, SLOTS: str(node.slots), CARDS: str(cards)}
    return {name: value[:63] for name, value in facts.items()}


def start_command(node: Node, address: str, port: int, ip: str) -> list[str]:
    """`ray start`, for the first node (no address) or a further one."""
    # The dashboard is the first node's; Ray takes its option from no other.
    first = ["--head", f"--port={port}", "--include-dashboard=false"]
    where = first if not address else [f"--address={address}"]
    return [
        node.python, "-m", "ray.scripts.scripts", "start", *where,
        *([f"--node-ip-address={ip}"] if ip else []),
        "--num-cpus=1", f"--num-gpus={len(node.machine.get('gpus') or ())}",
        f"--resources={json.dumps({MACHINE: 1})}",
        "--labels=" + ",".join(f"{name}={value}" for name, value in labels(node).items()),
        f"--object-store-memory={OBJECT_STORE_BYTES}",
        "--disable-usage-stats",
    ]  # fmt: skip


def token(python: str) -> None:
    """Make the token that every node and driver must have, unless there is one; Unavailable if that fails."""
    made = subprocess.run(
        [python, "-m", "ray.scripts.scripts", "get-auth-token", "--generate"], capture_output=True, text=True
    )
    if made.returncode:
        raise Unavailable(f"Ray made no token: {_last_line(made.stderr)}")


def join(node: Node, address: str, port: int, ip: str) -> list[str]:
    """Start Ray on this node; what further nodes need, if it is the first. Unavailable if it did not start."""
    file = nodes.save(node)
    if not address:
        token(node.python)
    environment = {**node.environment, **variables(file)}
    done = subprocess.run(
        start_command(node, address, port, ip), env=environment, cwd=node.folder or None, capture_output=True, text=True
    )
    if done.returncode:
        raise Unavailable(f"Ray did not start: {_last_line(done.stderr or done.stdout)}")
    return [] if address else ["they need the same token: copy ~/.ray/auth_token to each of them"]


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it printed nothing"


# From here on: in a worker of Ray's, on the node.


def run_attempt(content: bytes, id: str, number: int) -> bytes:
    """Run an attempt at the unit whose file has this content; its folder, packed. Raises OSError, as of a full disk."""
    file = Path(os.environ[NODE_FILE])
    node = nodes.load(file)
    attempts = Path(node.spool) / "attempts"
    folder = attempts / id / str(number)
    _make_room(attempts)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    unit = folder / f"{id}.json"
    unit.write_bytes(content)
    log = attempt_log(folder)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(node, file, unit, number, folder),
            env=dict(node.environment), cwd=node.folder or None, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            close_fds=True, start_new_session=True,
        )  # fmt: skip
        code = process.wait()
    if not part.is_done(folder):
        raise RuntimeError(why_no_end(code, log))
    return packed(folder)


def _make_room(attempts: Path) -> None:
    """Remove all but the newest attempts."""
    folders = sorted(attempts.glob("*/*/"), key=lambda path: path.stat().st_mtime)
    for folder in folders[:-KEPT_ATTEMPTS]:
        shutil.rmtree(folder, ignore_errors=True)


def packed(folder: Path) -> bytes:
    """The folder as a compressed tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as archive:
        archive.add(folder, arcname=".")
    return buffer.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Write an archive of `packed` into the folder, which takes its place in one step. OSError as from any writing."""
    temporary = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(temporary, filter="data")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
