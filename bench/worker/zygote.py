"""Fork server of a contestant's launches: imports the framework without starting it.

    python -m bench.worker.zygote FD MODULE...      FD: a connected Unix socket; MODULEs are imported first

Each request is one line of JSON. {"do": "fork"}, with two descriptors attached (a channel and a log), answers
{"pid": ...} and leaves a child that serves its channel (bench.worker.tasks); or {"refused": ...}, the reason why no
child could compute. {"do": "wait", "pid": ...} answers with the exit code of a child that has ended or is ending
(negative: the signal that killed it). When the socket closes, the zygote ends, and its children are killed with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from typing import Any

from bench.machine.affinity import unbind
from bench.worker import tasks
from impls.host.process import has_started_cuda, keep_to_cores, redirect_output, set_parent_death_signal
from impls.host.usable import allowed_cores

REQUEST_BYTES = 4096


def serve(control: socket.socket) -> None:
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, 2)
        if not message:
            return
        request = json.loads(message)
        if request["do"] == "fork" and (reason := no_fork()):
            answer: dict[str, Any] = {"refused": reason}
            for descriptor in descriptors:
                os.close(descriptor)
        elif request["do"] == "fork":
            answer = {"pid": fork(control, *descriptors)}
        else:
            _, status = os.waitpid(request["pid"], 0)
            answer = {"code": os.waitstatus_to_exitcode(status)}
        control.sendall(json.dumps(answer).encode() + b"\n")


def no_fork() -> str:
    """Why a child could not use the card that it is to compute on; empty if it can, or if cards are hidden from it."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "" or not has_started_cuda():
        return ""
    return f"importing {', '.join(sys.argv[2:])} started CUDA, which no fork can use then; try another release of these"


def fork(control: socket.socket, channel: int, log: int) -> int:
    """The new child's process id. The child never returns from here."""
    zygote = os.getpid()
    if pid := os.fork():
        os.close(channel)
        os.close(log)
        return pid
    code = 1
    try:
        set_parent_death_signal(zygote)
        control.close()
        redirect_output(log)
        unbind()
        with socket.socket(fileno=channel) as link:
            tasks.serve(link)
        code = 0
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)  # no exit handlers: they belong to the zygote


def _is_orphan(control: socket.socket) -> bool:
    """Whether the controller has closed the socket; called before the first request."""
    try:
        return not control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the controller; the zygote ends with the socket
    set_parent_death_signal(os.getppid())  # an orphan would not notice while it imports
    control = socket.socket(fileno=int(sys.argv[1]))
    if _is_orphan(control):  # the controller ended before the call above
        return
    keep_to_cores()
    allowed_cores()  # cached before an imported module binds this thread
    for module in sys.argv[2:]:
        importlib.import_module(module)
    # Otherwise each launch's collection visits all imported objects and copies their pages: 0.25 s.
    gc.collect()
    gc.freeze()
    control.sendall(b'{"ready": true}\n')
    serve(control)


if __name__ == "__main__":
    main()
