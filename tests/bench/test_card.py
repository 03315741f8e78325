"""A campaign on the second of two cards of a machine, from the command to the page: the driver is that of the tests."""

from __future__ import annotations

import html
import math
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

import results
from bench.session import Options, build_session
from impls.errors import InvalidInput
from impls.host import nvidia
from results.schema.columns import CARD, USAGE
from results.schema.record import Status
from results.store.campaigns import read_campaign
from tests.support.started import ROOT, environment, tiny
from tests.support.stub_driver import ALL_ONES, SLICES, UUIDS

LENET = """
[[workloads]]
architectures = ["lenet5"]
batches = [1]
phases = ["infer"]
"""
SECOND = {
    "0/nvmlDeviceGetClockInfo": "900",  # what is asked of the first card would be seen
    "1/nvmlDeviceGetCurrentClocksEventReasons": "4",
    "processes.workers": "1",
}


@pytest.fixture
def on_card(stub_driver, tmp_path):
    """Measures on a card that answers this: (the command's output, the campaign, the page if it is asked for)."""

    def on_card(*options: str, reported: bool = False, variables: Mapping[str, str] | None = None, **answers: str):
        stub_driver.answer({**SECOND, **{name.replace("_", "."): value for name, value in answers.items()}})
        suite, data, page = tmp_path / "card.toml", tmp_path / "data", tmp_path / "html"
        suite.write_text(tiny("fake-clock:slow", "fake-clock:fast", turns=2, sustained=2.5, workloads=LENET))
        command = ["pytest", "--benchmark-only", "--device", "cuda", f"--suite={suite}", f"--results={data}"]
        report = f"--report={page}" if reported else "--no-report"
        chosen = {"CUDA_VISIBLE_DEVICES": "1", **stub_driver.environment(), **(variables or {})}
        done = subprocess.run(
            [sys.executable, "-m", *command, report, "-p", "no:cacheprovider", *options],
            cwd=ROOT, env={**os.environ, **environment(), **chosen}, capture_output=True, text=True,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        (folder,) = data.iterdir()
        return said, read_campaign(folder), (page / "index.html").read_text() if reported else ""

    return on_card


@pytest.mark.slow
def test_a_campaign_on_the_second_of_two_cards_has_every_figure_of_it_or_a_reason(on_card):
    said, campaign, page = on_card(reported=True)
    assert campaign, said
    (card,) = campaign.system.machine.cards
    assert (card.uuid, card.pci) == (UUIDS[1], "00000000:02:00.0")
    assert card.model_extra["idle_watts_missing"] == "the card was in use for 80% of the time"
    assert len(campaign.system.machine.gpus) == 2
    for record in campaign.records:
        assert record.card.clock_hz == (1.5e9, 1.5e9)
        assert record.card.slowed_by == ("its power limit",) * 2
        assert record.card.foreign_processes == (0, 0), "the launches of the block are not foreign to each other"
    launches = results.load(campaign.folder, rows="launches")
    names = ["device_seconds", *(column.name for column in (*USAGE, *CARD) if column.name != "turn_slowed_by")]
    for row in launches.drop_duplicates("contestant").to_dict("records"):
        unexplained = [name for name in names if math.isnan(row[name]) and name not in row["usage_missing"]]
        assert unexplained == []
        assert (row["gpu_watts"], row["gpu_clock_hz"], row["gpu_memory_bytes"]) == (250.0, 1.5e9, 123456)
        assert row["gpu_joules_per_image"] > 0
    for raised in results.load(campaign.folder, rows="cases").quality_flags:
        assert "gpu_throttled" in raised
        assert "gpu_clock" not in raised
        assert "gpu_shared" not in raised
    for shown in (said, html.unescape(page)):
        assert "the GPU had lowered its clocks after up to 100% of a launch's turns: its power limit" in shown
        assert "Stub 1000: 80% of the time in use, though no process is listed" in shown
    assert UUIDS[1] in page
    for quantity in ("GPU memory of the process", "GPU clock, sustained run", "GPU power, sustained run"):
        assert quantity in page
    assert "Energy is that of the whole GPU with its idle power" in page


@pytest.mark.slow
def test_in_an_exclusive_mode_contestants_are_measured_one_at_a_time(on_card):
    asked = "--sustained=0s", "-p", "tests.support.simulated_launches"
    said, campaign, page = on_card(*asked, reported=True, nvmlDeviceGetComputeMode="3")
    assert campaign, said
    assert "not known: device seconds: the framework gives no access to the device&#39;s clock" in page
    assert ": no sustained run was asked for" in page
    assert {record.case.contestant.execution: record.subset for record in campaign.records} == {"slow": 0, "fast": 1}
    assert "contestants run one at a time, and there are no ratios" in said
    assert "1 group could not share the GPU and ran in 2 subsets, one contestant each, no ratios" in said


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("0", "says that the card has 0 bytes"), ("! 999", "cannot be asked: Unknown Error"), ("! 3", None)],
    ids=["0", "an error", "shared with the host"],
)
def test_a_search_for_the_largest_batch_is_refused_where_the_cards_memory_is_unknown(
    stub_driver, monkeypatch, tmp_path, answer, reason
):
    stub_driver.load(monkeypatch)
    stub_driver.answer({"nvmlDeviceGetMemoryInfo.total": answer})
    asked = Options("gpu-limits", tmp_path, device="cuda")
    if reason is None:
        assert build_session(asked).suite.largest_batch
        return
    with pytest.raises(InvalidInput, match=reason) as refused:
        build_session(asked)
    assert str(refused.value).startswith("--device cuda: the card's memory is unknown (NVIDIA's driver ")
    assert "\n" not in str(refused.value)


def _unexplained(campaign) -> set[str]:
    """Quantities of a card that are missing without a reason in a launch whose meters ran."""
    launches = results.load(campaign.folder, rows="launches").drop_duplicates("contestant").to_dict("records")
    names = [column.name for column in USAGE]
    return {name for row in launches for name in names if math.isnan(row[name]) and name not in row["usage_missing"]}


@pytest.mark.slow
def test_a_mig_device_whose_memory_its_driver_does_not_know_is_measured(on_card):
    """What is the whole card's, such as its clock, is not taken for the device's."""
    divided = {"0/nvmlDeviceGetMigMode": "1", "mig_slices": "1", "nvmlDeviceGetMemoryInfo_total": ALL_ONES}
    said, campaign, page = on_card(reported=True, variables={"CUDA_VISIBLE_DEVICES": SLICES[0]}, **divided)
    assert campaign, said
    (card,) = campaign.system.machine.cards
    assert (card.uuid, card.mig_profile, card.memory_bytes) == (SLICES[0], "1g.10gb", None)
    assert {record.status for record in campaign.records} == {Status.MEASURED}
    for record in campaign.records:
        assert record.card.clock_hz == ()
        assert record.card.missing["clock_hz"] == "the driver does not tell: Not Supported"
    assert _unexplained(campaign) == set()
    assert "a MIG device, whose card others may use" in said
    assert SLICES[0] in page


@pytest.mark.slow
@pytest.mark.skipif(nvidia.undescribed() is None, reason="this machine has a driver")
def test_a_card_without_nvml_is_measured_and_what_only_nvml_tells_is_missing_for_that_reason(on_card, stub_driver):
    cuda = {"LD_LIBRARY_PATH": str(stub_driver.cuda().parent), "DEADHEAT_STUB_CUDA": "2"}
    said, campaign, _ = on_card(variables=cuda)
    assert campaign, said
    assert campaign.system.machine.cards == ()
    assert "cannot be asked" in campaign.system.cards_undescribed
    assert {record.status for record in campaign.records} == {Status.MEASURED}
    assert {record.subset for record in campaign.records} == {0}, "they shared the card"
    assert _unexplained(campaign) == set()
    assert "cannot be asked" in campaign.records[0].usage.missing["gpu_watts"]


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("CUDA_VISIBLE_DEVICES", "NoDevFiles", "--device cuda: CUDA_VISIBLE_DEVICES=NoDevFiles names no card"),
        ("CUDA_LAUNCH_BLOCKING", "1", "CUDA_LAUNCH_BLOCKING=1 would reach the launches"),
    ],
    ids=["a card that cannot be used", "a variable that makes every kernel wait"],
)
def test_a_mistake_is_one_line_before_anything_is_measured(
    stub_driver, monkeypatch, tmp_path, variable, value, complaint
):
    stub_driver.load(monkeypatch)
    stub_driver.answer(SECOND)
    monkeypatch.setenv(variable, value)
    (tmp_path / "card.toml").write_text(tiny("fake-clock:slow", "fake-clock:fast", workloads=LENET))
    with pytest.raises(InvalidInput) as caught:
        build_session(Options(str(tmp_path / "card.toml"), tmp_path / "data", device="cuda", as_shipped=True))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()
