"""Signals that end a process, taken as Ctrl-C is."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from impls.host.termination import SIGNALS, Termination


@pytest.fixture(autouse=True)
def default_handlers():
    before = {one: signal.signal(one, signal.SIG_DFL) for one in SIGNALS}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0)  # Python calls handlers between two of its steps


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_interrupts_and_those_after_it_do_nothing(number):
    with Termination():
        with pytest.raises(KeyboardInterrupt):
            send(number)
        for one in SIGNALS:
            send(one)
    assert [signal.getsignal(one) for one in SIGNALS] == [signal.SIG_DFL] * 2


def test_none_does_anything_when_held():
    with Termination() as termination:
        termination.hold()
        for one in SIGNALS:
            send(one)


def test_what_is_ignored_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Termination() as termination:
        send(signal.SIGHUP)
        termination.hold()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_signal_handler_of_another_owner_is_kept():
    seen = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    with Termination():
        send(signal.SIGTERM)
    assert seen == [signal.SIGTERM]


def test_in_another_thread_nothing_is_changed():
    def enter() -> None:
        with Termination() as termination:
            termination.hold()
            handlers.append(signal.getsignal(signal.SIGTERM))

    handlers: list[object] = []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert handlers == [signal.SIG_DFL]
