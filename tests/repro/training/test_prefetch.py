"""Batches ahead of the step: the same items in the same order, one ahead, and errors in their place."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from repro.training.prefetch import ahead


def test_items_keep_their_order() -> None:
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []


def test_the_next_item_is_made_while_one_is_in_use_and_no_more() -> None:
    made, second = [], threading.Event()

    def items() -> Iterator[int]:
        for number in range(5):
            made.append((number, threading.current_thread() is threading.main_thread()))
            if number == 1:
                second.set()
            yield number

    using = ahead(items())
    assert next(using) == 0
    assert second.wait(30), "the second one is made although nobody has asked for it"
    assert [number for number, _ in made] == [0, 1]
    assert not any(in_main for _, in_main in made)
    using.close()
    assert len(made) == 2


def test_an_error_is_raised_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("planted")

    using = ahead(items())
    assert next(using) == 1
    with pytest.raises(ValueError, match="planted"):
        next(using)
