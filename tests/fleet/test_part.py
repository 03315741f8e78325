from __future__ import annotations

import pytest

from fleet import part
from fleet.part import Ended, PartError
from tests.support.fleet.fakes import FAILED, WHOLE, write_part

ENDED = Ended("u1", 2, "n1", WHOLE, seconds=1.5, facts={"type": "t"}, started="then", finished="now")


@pytest.fixture
def attempt(tmp_path):
    write_part(tmp_path, ENDED, {"a": "one", "folder/b": "two"})
    return tmp_path


def test_what_was_published_is_read_back(attempt):
    found = part.read(attempt)
    assert (found.unit, found.attempt, found.node, found.outcome, found.seconds) == ("u1", 2, "n1", WHOLE, 1.5)
    assert sorted(found.files) == ["a", "folder/b"]
    assert found.facts == {"type": "t"}
    assert part.is_done(attempt)


def test_the_part_of_one_that_failed_is_not_examined(tmp_path):
    write_part(tmp_path, Ended("u1", 1, "n1", FAILED, "why"), {"a": "one"})
    (tmp_path / "part" / "a").unlink()
    assert part.read(tmp_path).reason == "why"


def cut(attempt):
    (attempt / "part" / "a").write_text("on")


def remove(attempt):
    (attempt / "part" / "folder" / "b").unlink()


def add(attempt):
    (attempt / "part" / "c").touch()


@pytest.mark.parametrize(("damage", "name"), [(cut, "a"), (remove, "folder/b"), (add, "c")])
def test_a_part_that_is_not_as_it_was_published_is_not_whole(attempt, damage, name):
    damage(attempt)
    with pytest.raises(PartError, match=f"the part is cut off or changed: {name} is not as it was published"):
        part.read(attempt)


def test_an_attempt_that_has_not_ended_has_no_end(tmp_path):
    assert not part.is_done(tmp_path)
    with pytest.raises(PartError, match=r"no done\.json: No such file"):
        part.read(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"unit": "u", "attempt": 1, "node": "n", "outcome": "odd"}'])
def test_a_damaged_end_is_named_in_one_line(attempt, text):
    (attempt / "done.json").write_text(text)
    with pytest.raises(PartError, match=r"done\.json is damaged: ") as found:
        part.read(attempt)
    assert "\n" not in str(found.value)


def test_a_file_that_cannot_be_read_is_no_fault_of_ours(attempt, monkeypatch):
    def unreadable(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(part, "digests", unreadable)
    with pytest.raises(PartError, match="the part can't be read: Permission denied"):
        part.read(attempt)
