"""Which cards launches compute on, what is recorded of them, and why none can: against the driver of the tests."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impls.host import cuda, hardware, nvidia, visible
from impls.host.visible import NoCard
from results import machine
from tests.support.stub_driver import ALL_ONES, SLICES, UUIDS

FIRST, SECOND = UUIDS
BOTH = f"{SECOND},{FIRST}"
DIVIDED = {"0/nvmlDeviceGetMigMode": "1"}


@pytest.fixture
def cards(stub_driver, monkeypatch):
    """Two cards that answer this, of which CUDA_VISIBLE_DEVICES chooses; None: it is not set."""
    stub_driver.load(monkeypatch)

    def cards(chosen: str | None = None, **answers: str) -> None:
        stub_driver.answer({name.replace("_", ".", 1): value for name, value in answers.items()})
        if chosen is None:
            monkeypatch.delenv(visible.VARIABLE, raising=False)
        else:
            monkeypatch.setenv(visible.VARIABLE, chosen)

    cards.answer = stub_driver.answer
    return cards


CHOICES = {
    "none": (None, FIRST),
    "index": ("1", SECOND),
    "indices": (" 1, 0", SECOND),
    "uuid": (SECOND, SECOND),
    "beginning of a uuid": (SECOND[:-1] + "1", SECOND),
}


@pytest.mark.parametrize("case", CHOICES)
def test_a_launch_sees_the_chosen_card_only(cards, case):
    chosen, uuid = CHOICES[case]
    cards(chosen)
    assert nvidia.missing() is None
    assert nvidia.environment("cuda") == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": uuid}
    (card,) = nvidia.chosen()
    assert (card["uuid"], card["mig_profile"]) == (uuid, None)
    assert card["pci"] == f"00000000:0{1 + UUIDS.index(uuid)}:00.0"


def test_a_beginning_of_one_uuid_alone_is_resolved(cards):
    """The driver finds whole UUIDs only, CUDA their beginnings too."""
    cards("GPU-5ba1", nvmlDeviceGetCount="1")
    assert nvidia.environment("cuda")["CUDA_VISIBLE_DEVICES"] == FIRST


def test_several_cards_are_the_first_that_are_chosen(cards):
    cards(BOTH)
    assert nvidia.environment("cuda", cards=2)["CUDA_VISIBLE_DEVICES"] == BOTH
    assert [card["uuid"] for card in nvidia.chosen(cards=2)] == BOTH.split(",")
    assert nvidia.missing(cards=2) is None
    cards(None)
    assert nvidia.environment("cuda", cards=2)["CUDA_VISIBLE_DEVICES"] == f"{FIRST},{SECOND}"


REFUSED = {
    "hidden": ("", 1, "CUDA_VISIBLE_DEVICES hides every card"),
    "hidden by number": ("-1", 1, "CUDA_VISIBLE_DEVICES hides every card"),
    "a scheduler's word": ("NoDevFiles", 1, "CUDA_VISIBLE_DEVICES=NoDevFiles names no card; give an index or a UUID"),
    "void": ("void", 1, "CUDA_VISIBLE_DEVICES=void names no card"),
    "no digit": ("²", 1, "CUDA_VISIBLE_DEVICES=² names no card"),
    "an index too high": ("2", 1, "CUDA_VISIBLE_DEVICES=2 names no card; the driver sees 2, with indices from 0"),
    "two by one beginning": ("GPU-5ba1", 1, f"GPU-5ba1 names 2 cards; the driver sees {FIRST}, {SECOND}"),
    "another machine's uuid": ("GPU-0", 1, "CUDA_VISIBLE_DEVICES=GPU-0 names no card; the driver sees"),
    "too few": ("1", 2, "2 cards are needed, CUDA_VISIBLE_DEVICES names 1"),
    "too few there": (None, 3, "3 cards are needed, the driver sees 2"),
    "twice": ("1,1", 2, "CUDA_VISIBLE_DEVICES=1,1 names a card twice, which CUDA refuses"),
}


THERE = {"too few": 1, "too few there": 2, "twice": 1}
"""How many cards are described where fewer are there than a campaign's largest number of devices."""


@pytest.mark.parametrize("case", REFUSED)
def test_a_choice_that_is_none_is_refused_in_one_line(cards, case):
    chosen, count, words = REFUSED[case]
    cards(chosen)
    reason = nvidia.missing(cards=count)
    assert reason
    assert words in reason
    assert "\n" not in reason
    assert len(nvidia.chosen(cards=count)) == THERE.get(case, 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40))
def test_whatever_is_chosen_is_a_card_or_a_line(cards, chosen):
    cards(chosen)
    reason = nvidia.missing()
    assert reason is None or reason.startswith(("CUDA_VISIBLE_DEVICES", "NVIDIA's driver"))
    named = nvidia.environment("cuda")["CUDA_VISIBLE_DEVICES"]
    assert reason is not None or named in UUIDS


def test_a_card_with_one_mig_device_is_that_device(cards):
    cards.answer({**DIVIDED, "mig.slices": "1"})
    assert nvidia.missing() is None
    assert nvidia.environment("cuda")["CUDA_VISIBLE_DEVICES"] == SLICES[0]
    (card,) = nvidia.chosen()
    assert (card["uuid"], card["mig_profile"], card["pci"]) == (SLICES[0], "1g.10gb", "00000000:01:00.0")
    assert card["watts"] is None, "the card's power is not the device's"


@pytest.mark.parametrize("chosen", [None, "0", FIRST])
def test_a_card_with_several_mig_devices_is_refused_with_their_uuids(cards, monkeypatch, chosen):
    cards(chosen)
    cards.answer({**DIVIDED, "mig.slices": "2"})
    assert nvidia.missing() == (
        f"card {chosen or 0} is divided into 2 MIG devices; set CUDA_VISIBLE_DEVICES to one of {', '.join(SLICES)}"
    )
    monkeypatch.setenv(visible.VARIABLE, SLICES[1])
    assert nvidia.missing() is None
    assert nvidia.environment("cuda")["CUDA_VISIBLE_DEVICES"] == SLICES[1]


def test_a_card_in_mig_mode_without_a_device_is_refused(cards):
    cards.answer(DIVIDED)
    assert "is in MIG mode and has no MIG device" in str(nvidia.missing())


def test_no_process_may_compute_in_a_prohibited_mode(cards):
    cards(nvmlDeviceGetComputeMode="2")
    assert "compute mode is prohibited" in str(nvidia.missing())
    assert not nvidia.is_exclusive()


def test_an_exclusive_mode_is_known(cards):
    cards(nvmlDeviceGetComputeMode="3")
    assert nvidia.missing() is None
    assert nvidia.is_exclusive()
    assert not nvidia.is_exclusive("cpu")


@pytest.mark.parametrize(
    ("answers", "idle", "reason"),
    [
        ({"nvmlDeviceGetUtilizationRates": "0"}, 250.0, None),
        ({"nvmlDeviceGetUtilizationRates": "5"}, 250.0, None),
        ({"nvmlDeviceGetUtilizationRates": "6"}, None, "the card was in use for 6% of the time"),
        ({"nvmlDeviceGetUtilizationRates": "! 3"}, None, "the driver does not report the card's utilisation"),
        (
            {"nvmlDeviceGetUtilizationRates": "0", "nvmlDeviceGetPowerUsage": "! 3"},
            None,
            "the driver does not report the card's power",
        ),
    ],
    ids=["idle", "nearly idle", "busy", "no utilisation", "no power"],
)
def test_power_counts_as_idle_where_nothing_computes(cards, answers, idle, reason):
    cards(**answers)
    (card,) = nvidia.chosen()
    assert (card["idle_watts"], card.get("idle_watts_missing")) == (idle, reason)


STATES = {
    "processes": ({"processes.foreign": "2"}, "2 other compute processes are on it"),
    "graphics": ({"processes.graphics": "1"}, "1 graphics processes draw on it"),
    "hidden load": ({"nvmlDeviceGetUtilizationRates": "30"}, "30% of the time in use, though no process is listed"),
    "power": ({"nvmlDeviceGetCurrentClocksEventReasons": "4"}, "lowered before the measurement by its power limit"),
    "persistence": ({"nvmlDeviceGetPersistenceMode": "0"}, "persistence mode is off"),
    "exclusive": ({"nvmlDeviceGetComputeMode": "3"}, "contestants run one at a time, and there are no ratios"),
    "ecc": ({"nvmlDeviceGetEccMode": "0"}, "ECC is off"),
    "mig": ({**DIVIDED, "mig.slices": "1"}, "a MIG device, whose card others may use"),
}
IDLE = {"nvmlDeviceGetUtilizationRates": "0"}


@pytest.mark.parametrize("case", STATES)
def test_a_state_that_changes_times_is_warned_of_with_a_remedy(cards, case):
    answers, words = STATES[case]
    cards.answer({**IDLE, **answers})
    (warning,) = machine.card_warnings(nvidia.chosen())
    assert words in warning["what"]
    assert warning["remedy"]


def test_a_healthy_card_gives_no_warning_and_neither_does_one_that_tells_nothing(cards):
    cards.answer(IDLE)
    assert machine.card_warnings(nvidia.chosen()) == []
    assert machine.card_warnings([dict.fromkeys(nvidia.FACTS)]) == []


LACKING = {
    "tf32": ("8.0", ("50", "52", "53", "70", "75")),
    "bfloat16": ("8.0", ("50", "52", "53", "70", "75")),
    "float16": ("5.3", ("50", "52")),
}
"""By precision: the lowest compute capability that has it, and capabilities below it."""


@pytest.mark.parametrize("capability", ["50", "52", "53", "70", "75", "80", "90", "100", "! 3"])
@pytest.mark.parametrize("precision", LACKING)
def test_an_arithmetic_that_a_card_lacks_is_refused(cards, precision, capability):
    cards(nvmlDeviceGetCudaComputeCapability=capability)
    hardware._capability.cache_clear()
    reason = hardware.unsupported_reason(precision, "cuda")
    least, below = LACKING[precision]
    assert bool(reason) == (capability in below)
    assert not reason or f"{precision} needs a card of compute capability {least}" in reason
    assert hardware.unsupported_reason("float32", "cuda") is None
    hardware._capability.cache_clear()


MEMORY = {
    "told": ("80000000000", 80e9, None),
    "not supported": ("! 3", None, None),
    "0": ("0", None, "NVIDIA's driver says that the card has 0 bytes"),
    "all ones": (ALL_ONES, None, f"NVIDIA's driver says that the card has {ALL_ONES} bytes"),
    "another error": ("! 999", None, "NVIDIA's driver cannot be asked: Unknown Error"),
}
"""What the driver answers, what is recorded, and why it is unknown. Of the host's, shared, it supports no answer."""


@pytest.mark.parametrize("case", MEMORY)
def test_a_memory_that_the_driver_does_not_know_is_missing_and_another_case_than_the_hosts(cards, case):
    answer, recorded, reason = MEMORY[case]
    cards(nvmlDeviceGetMemoryInfo_total=answer)
    (card,) = nvidia.chosen()
    assert (card["memory_bytes"], nvidia.free_memory()) == (recorded, recorded)
    assert (card["memory_used_bytes"] is None) == (recorded is None)
    assert nvidia.unknown_memory() == reason


@pytest.fixture
def without_nvml(stub_driver, monkeypatch):
    """CUDA's library without the driver's: a number of cards, or an error."""
    import pynvml

    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    monkeypatch.delenv(visible.VARIABLE, raising=False)
    stub_driver.cuda()

    def without_nvml(cards: str) -> None:
        monkeypatch.setenv("DEADHEAT_STUB_CUDA", cards)
        monkeypatch.setenv("LD_LIBRARY_PATH", str(stub_driver.cuda().parent))

    return without_nvml


@pytest.mark.skipif(nvidia.undescribed() is None, reason="this machine has a driver")
def test_cuda_without_the_drivers_library_is_enough(without_nvml, monkeypatch):
    without_nvml("1")
    assert nvidia.missing() is None
    assert nvidia.chosen() == []
    assert nvidia.environment("cuda")["CUDA_VISIBLE_DEVICES"] == "0"
    monkeypatch.setenv(visible.VARIABLE, "GPU-1,GPU-2")
    assert nvidia.environment("cuda")["CUDA_VISIBLE_DEVICES"] == "GPU-1"
    assert nvidia.missing(cards=2) is not None
    assert hardware.nvidia.capability() is None


@pytest.mark.skipif(nvidia.undescribed() is None, reason="this machine has a driver")
def test_without_the_drivers_library_nothing_is_known_of_the_cards_memory(without_nvml):
    without_nvml("1")
    assert "cannot be asked" in str(nvidia.unknown_memory())
    assert nvidia.free_memory() is None


@pytest.mark.skipif(nvidia.undescribed() is None, reason="this machine has a driver")
@pytest.mark.parametrize(
    ("cards", "words"), [("! 100", "CUDA cannot be used: cuInit gives error 100"), ("0", "CUDA sees 0 cards")]
)
def test_neither_the_driver_nor_cuda_is_said_in_one_line(without_nvml, cards, words):
    without_nvml(cards)
    reason = str(nvidia.missing())
    assert reason.startswith("NVIDIA's driver cannot be asked: ")
    assert words in reason
    assert "\n" not in reason


def test_cuda_is_asked_in_a_process_of_its_own(without_nvml, monkeypatch):
    """A process that has called cuInit cannot fork launches that use CUDA."""
    without_nvml("2")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail(f"{name} is loaded in this process"))
    assert cuda.missing(2) is None
    assert cuda.missing(3) == "CUDA sees 2 cards, 3 are needed"


def test_no_card_is_an_error_of_its_own(cards):
    cards("x")
    with nvidia.driver(), pytest.raises(NoCard, match="^CUDA_VISIBLE_DEVICES=x names no card"):
        visible.visible()
