"""python -m bench history: exit statuses, JSON, one line for what a user can get wrong; damage is named, not lost."""

from __future__ import annotations

import json
import math
import random
import shutil
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from typer.testing import CliRunner

from bench.cli import app
from results.schema.record import SCHEMA, Case, Contestant, Record, Status
from results.store.campaigns import CampaignWriter
from tests.support.made_up import SYSTEM, measured, workload

INFER, TRAIN = (Case(workload(phase=phase), Contestant("alpha", "eager")) for phase in ("infer", "train"))


def write(data: Path, day: int, factor: float = 1.0, **machine: object) -> Path:
    """A campaign of two cases; the first takes `factor`, and on the third day the other one crashes."""
    system = {
        **SYSTEM,
        "started": f"2026-10-{day:02d}T03:00:00Z",
        "machine": {**SYSTEM["machine"], **machine},
    }
    rng = random.Random(day)
    writer = CampaignWriter.create(data, f"day-{day:02d}", system)
    for case, times in ((INFER, factor), (TRAIN, 1.0)):
        launches = [0.01 * times * math.exp(rng.gauss(0, 0.004)) for _ in range(3)]
        writer.append(measured(case, number, [seconds]) for number, seconds in enumerate(launches))
    if day == 3:
        writer.append([Record(Case(workload(), Contestant("beta", "jit")), 0, Status.CRASHED, "signal 11")])
    writer.close()
    return writer.folder


@pytest.fixture(scope="session")
def ten_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten campaigns; from the sixth on one case of two takes 10 % longer. For reading only."""
    data = tmp_path_factory.mktemp("ten")
    for day in range(1, 11):
        write(data, day, 1.1 if day > 5 else 1.0)
    return data


def history(*arguments: object) -> CompletedProcess[str]:
    done = CliRunner().invoke(app, ["history", *map(str, arguments)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def mistake(done: CompletedProcess[str]) -> str:
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_status_1_where_a_case_is_slower_than_it_was(ten_days):
    done = history("--results", ten_days)
    assert done.returncode == 1, done.stderr
    assert "10 campaigns, 2026-10-01 to 2026-10-10: 1 of 3 cases has a step" in done.stdout
    assert "day-06" in done.stdout
    assert "slower" in done.stdout


def test_status_0_where_nothing_is_or_only_from_a_campaign_on(ten_days):
    assert history("--results", ten_days, "--since", "day-07").returncode == 0
    assert history("--results", ten_days, "--since", ten_days / "day-07").returncode == 0
    assert history("--results", ten_days, "--since", ten_days / "day-06").returncode == 1
    done = history("day-01", "day-02", ten_days / "day-03", "--results", ten_days)
    assert done.returncode == 0
    assert "3 campaigns, 2026-10-01 to 2026-10-03: none of 3 cases has a step" in done.stdout
    assert "2 of 3 cases have fewer than 6 campaigns" in done.stdout


def test_json_has_every_campaign_every_point_every_step(ten_days):
    done = history("--results", ten_days, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found.keys() == {"slower", "histories", "left_out", "problems"}
    assert (found["slower"], found["left_out"], found["problems"]) == ([INFER.id], [], [])
    (one,) = found["histories"]
    assert one["machine"]["cpu"] == SYSTEM["machine"]["cpu"]
    assert [entry["name"] for entry in one["campaigns"]] == [f"day-{day:02d}" for day in range(1, 11)]
    infer, train, lost = one["cases"]
    assert [point["campaign"] for point in infer["points"]] == [entry["name"] for entry in one["campaigns"]]
    assert all(point["seconds_low"] < point["seconds"] < point["seconds_high"] for point in infer["points"])
    (step,) = infer["steps"]
    assert (step["after"], step["campaign"]) == ("day-05", "day-06")
    assert step["ratio_low"] < 1.1 < step["ratio_high"]
    assert step["p"] < 0.05
    assert train["steps"] == lost["points"] == []
    assert lost["lost"] == {"day-03": "crashed in day-03: signal 11"}


def test_the_page_is_written_and_json_stays_alone_on_stdout(run, ten_days, tmp_path):
    file = tmp_path / "new" / "history.html"
    done = run("bench", "history", "--results", ten_days, "--html", file, "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["slower"] == [INFER.id]
    assert done.stderr == f"{file}\n"
    assert "1 of 3 cases is slower than before" in file.read_text(encoding="utf-8")


def test_nothing_measured_yet(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert mistake(history("--results", folder)) == (
            f"error: no campaign in '{folder}' yet; measure one with: python -m bench run\n"
        )


def test_a_campaign_that_is_not_there(ten_days):
    said = mistake(history("day-01", "day-99", "--results", ten_days))
    assert "no campaign 'day-99'" in said
    assert "day-10" in said
    assert "no campaign 'day-98' in this history" in mistake(history("--since", "day-98", "--results", ten_days))


def test_what_is_damaged_is_named_and_the_rest_counts(ten_days, tmp_path):
    """A line cut off, JSON that is none, a newer schema, an empty file; and a campaign without its system."""
    data = tmp_path / "data"
    shutil.copytree(ten_days, data)
    records = [data / f"day-{day:02d}" / "records.jsonl" for day in range(1, 5)]
    lines = records[0].read_text().splitlines()
    records[0].write_text("\n".join([*lines[:-1], lines[-1][:200]]))
    records[1].write_text("\n".join([lines[0], '{"broken', *lines[1:]]) + "\n")
    records[2].write_text('{"schema": 99}\n' + lines[0].replace(f'"schema":{SCHEMA}', '"schema":99') + "\n")
    records[3].write_text("")
    (data / "day-09" / "system.json").unlink()
    (data / "day-10" / "system.json").write_text("[1")
    done = history("--results", data, "--json")
    assert done.returncode == 1, "three campaigns are left before the change and three since"
    found = json.loads(done.stdout)
    assert [problem.partition(":")[0] for problem in found["problems"]] == [
        "day-01/records.jsonl line 6",
        "day-02/records.jsonl line 2",
        "day-03/records.jsonl line 1",
        "day-03/records.jsonl line 2",
    ]
    assert f"schema 99 is newer than {SCHEMA}; update deadheat" in found["problems"][3]
    assert [why[:6] for why in found["left_out"]] == ["day-09", "day-10"]
    assert "system.json: No such file" in found["left_out"][0]
    (one,) = found["histories"]
    counts = {case["case"]: len(case["points"]) for case in one["cases"]}
    assert counts == {INFER.id: 6, TRAIN.id: 6}
    launches = {point["campaign"]: point["launches"] for point in one["cases"][1]["points"]}
    assert launches["day-01"] == 2
    text = history("--results", data).stdout
    assert all(word in text for word in ("! left out: day-09", "! unreadable, left out: day-01/records.jsonl line 6"))


def test_two_machines_have_a_history_each_and_it_says_so(ten_days, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(ten_days, data)
    write(data, 11, 3.0, cpu="Another CPU")
    done = history("--results", data)
    assert done.returncode == 1
    assert "2 machines: one history each, not averaged" in done.stdout
    assert "Another CPU: 1 campaign, " in done.stdout
