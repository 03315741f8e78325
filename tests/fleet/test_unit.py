from __future__ import annotations

from dataclasses import replace

import pytest

from fleet import unit as units
from fleet.unit import Needs, Unit
from impls.errors import InvalidInput

ONE = Unit("label", ("{python}", "-c", "pass"), {"first": 0, "name": "ü"}, Needs("t", cards=1), 5.0, ("check",), "d")


def test_the_id_is_of_what_is_run_and_not_of_where():
    elsewhere = replace(ONE, label="other", needs=Needs(), time_limit=9.0, check=(), software="")
    assert elsewhere.id == ONE.id
    assert len(ONE.id) == 16
    assert replace(ONE, payload={"name": "ü", "first": 0}).id == ONE.id
    assert len({ONE.id, replace(ONE, payload={"first": 1}).id, replace(ONE, command=("x",)).id}) == 3


def test_a_unit_is_read_as_it_was_written(tmp_path):
    path = units.write(ONE, tmp_path / "new folder")
    assert path.name == f"{ONE.id}.json"
    assert units.read(path) == ONE
    assert units.read(path).id == ONE.id


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"label": "x", "command": [], "payload": {}, "speed": 3}', '{"label": 1, "command": "x"}'],
)
def test_a_file_that_is_no_unit_is_named_in_one_line(tmp_path, text):
    path = tmp_path / "u.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"u\.json' is no unit: ") as found:
        units.read(path)
    assert "\n" not in str(found.value)


def test_a_file_that_is_not_there_is_named_in_one_line(tmp_path):
    with pytest.raises(InvalidInput, match=r"unit '.*no\.json' can't be read: No such file or directory"):
        units.read(tmp_path / "no.json")
