"""The process that a contestant's launches are forked from: it imports the framework and starts nothing of it.

    python -m bench.worker.zygote FD MODULE...      FD: a connected Unix socket; MODULEs are imported before serving

Each request is one line of JSON. {"do": "fork"}, with two descriptors attached (a channel and a log), answers
{"pid": ...} and leaves a child that serves its channel (bench.worker.tasks). {"do": "wait", "pid": ...} answers with
the exit code of a child that has ended or is about to (negative: the signal that killed it). When the socket closes,
whoever asked is gone, and so is the zygote; its children are killed with it.
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

from bench.worker import tasks
from impls.process import keep_to_cores, redirect_output, set_parent_death_signal
from impls.usable import allowed_cores

REQUEST_BYTES = 4096


def serve(control: socket.socket) -> None:
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, 2)
        if not message:
            return
        request = json.loads(message)
        if request["do"] == "fork":
            answer = {"pid": fork(control, *descriptors)}
        else:
            _, status = os.waitpid(request["pid"], 0)
            answer = {"code": os.waitstatus_to_exitcode(status)}
        control.sendall(json.dumps(answer).encode() + b"\n")


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
        with socket.socket(fileno=channel) as link:
            tasks.serve(link)
        code = 0
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)  # no exit handlers: they belong to the zygote


def _is_orphan(control: socket.socket) -> bool:
    """Whether the other side, which has not asked for anything yet, is gone."""
    try:
        return not control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asks; this ends with the socket
    set_parent_death_signal(os.getppid())  # or, while it imports, an orphan would not notice
    control = socket.socket(fileno=int(sys.argv[1]))
    if _is_orphan(control):  # since before the kernel was asked
        return
    keep_to_cores()
    allowed_cores()  # before anything that is imported binds this thread
    for module in sys.argv[2:]:
        importlib.import_module(module)
    # Or each launch's collection would look at all that was imported, and copy the pages that it is on: 0.25 s.
    gc.collect()
    gc.freeze()
    control.sendall(b'{"ready": true}\n')
    serve(control)


if __name__ == "__main__":
    main()
