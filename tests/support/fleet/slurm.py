"""A real Slurm on this machine: munged, slurmctld and a slurmd for each of two nodes, without accounting."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from impls.host.process import set_parent_death_signal

DAEMONS = ("munged", "slurmctld", "slurmd")
NODES = ("n1", "n2")
PATIENCE = 60.0

CONFIGURATION = """
ClusterName=deadheat
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A task whose node failed is requeued for when its credential has expired: by default after two minutes.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0
ReturnToService=2
KillWait=2
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2
PartitionName=all Nodes=n1,n2 Default=YES OverSubscribe=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why no Slurm can be started here; "" if one can."""
    absent = [name for name in DAEMONS if not shutil.which(name, path=_path())]
    if absent:
        return f"{', '.join(absent)}: not installed (Debian: slurm-wlm, munge)"
    return "" if os.geteuid() == 0 else "slurmd needs root"


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


@dataclass(frozen=True)
class Cluster:
    folder: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "slurm.conf"

    def call(self, *command: str, text: str = "") -> str:
        """The output of a command of Slurm; AssertionError if it fails."""
        done = subprocess.run(command, input=text, capture_output=True, text=True, env=self._environment())
        assert not done.returncode, f"{command}: {done.stderr}\n{self.logs()}"
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": _path(), "SLURM_CONF": str(self.configuration)}

    def logs(self) -> str:
        tails = [f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in self.folder.glob("*.log")]
        return "\n".join(tails)

    def states(self) -> list[list[str]]:
        """Of each task: state and node."""
        lines = self.call("squeue", "--noheader", "--array", "--format=%T|%N").splitlines()
        return [line.split("|") for line in lines]

    def idle(self) -> bool:
        lines = self.call("scontrol", "show", "nodes", "--oneliner").splitlines()
        return len(lines) == len(NODES) and all(" State=IDLE " in line for line in lines)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}\n{self.logs()}"
            time.sleep(0.1)


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A Slurm whose files are in the folder. Everything of it has ended afterwards, its jobs included."""
    made = Cluster(folder)
    (folder / "munge.key").write_bytes(secrets.token_bytes(1024))
    (folder / "munge.key").chmod(0o400)
    for name in ("state", *(f"spool-{node}" for node in NODES)):
        (folder / name).mkdir()
    content = CONFIGURATION.format(host=socket.gethostname().partition(".")[0], folder=folder, ports=_free_ports(3))
    made.configuration.write_text(content)
    munge = {name: f"--{name}-file={folder}/munge.{name}" for name in ("key", "log", "pid", "seed")}
    with contextlib.ExitStack() as daemons:
        daemons.callback(_kill_jobs, made.configuration)
        start = functools.partial(_start, daemons, made)
        start(["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *munge.values()])
        made.wait((folder / "munge.socket").exists, "munged listens")
        start(["slurmctld", "-D"])
        for node in NODES:
            start(["slurmd", "-D", "-N", node])
        made.wait(lambda: _answers(made) and made.idle(), "both nodes are idle")
        yield made


def _start(daemons: contextlib.ExitStack, made: Cluster, command: Sequence[str]) -> None:
    environment = made._environment()
    log = daemons.enter_context((made.folder / "printed.log").open("ab"))
    process = subprocess.Popen(
        [shutil.which(command[0], path=environment["PATH"]) or command[0], *command[1:]],
        env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        preexec_fn=functools.partial(set_parent_death_signal, os.getpid()),
    )  # fmt: skip
    daemons.callback(_end, process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _kill_jobs(configuration: Path) -> None:
    """Kill what the daemons started and left: they detach it, and only its environment tells."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("SLURM_CONF") == str(configuration):
                process.kill()


def _answers(made: Cluster) -> bool:
    ping = subprocess.run(["scontrol", "ping"], capture_output=True, text=True, env=made._environment())
    return " is UP" in ping.stdout


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as sockets:
        bound = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for one in bound:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in bound]
