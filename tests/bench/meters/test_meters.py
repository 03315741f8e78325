"""Meters, and the library over NVIDIA's driver, that fail in every way: they cost what they would have read."""

from __future__ import annotations

import json
import math
import sys
from types import ModuleType, SimpleNamespace

import pytest

from bench import meters
from bench.meters import Guarded, Meter, SustainedStats, Watcher
from bench.meters.nvml import NVML, NvmlMeter
from bench.runner import usage
from impls import registry
from impls.errors import Unavailable
from impls.host import nvidia
from repro.runner.plan import where
from results import machine, strict_json
from results.schema.record import Usage

SOAK = SustainedStats(4.0, 10, 1.0, 8)


class Odd(Watcher):
    """Raises in the method that `fails` names, or answers `gives`."""

    fails = ""
    gives: object = {"watts": 3.0}

    def __init__(self, pid, device, others):
        self._do("__init__")

    def sample(self):
        self._do("sample")

    def end(self, sustained):
        self._do("end")
        return self.gives

    def _do(self, method):
        if self.fails == method:
            raise OSError(f"planted in {method}")


def read(**how: object) -> dict[str, object]:
    """What comes of a meter of two quantities whose watcher is so."""
    watcher = Guarded(Meter("odd", ("watts", "joules"), type("Planted", (Odd,), how)), 1, "cpu", frozenset())
    watcher.sample()
    return dict(watcher.end(SOAK))


@pytest.mark.parametrize("method", ["__init__", "sample", "end"])
def test_a_meter_that_raises_has_that_as_the_reason_of_all_its_quantities(method):
    reason = f"meter odd failed: OSError: planted in {method}"
    assert read(fails=method) == {"watts": reason, "joules": reason}


ANSWERS = {
    "not all": ({"watts": 3.0}, 3.0, "meter odd gave nothing"),
    "a reason": ({"watts": 3, "joules": "no counter"}, 3.0, "no counter"),
    "no number": ({"watts": 3.0, "joules": math.nan}, 3.0, "meter odd gave a float that is no finite number"),
    "bytes": ({"watts": 3.0, "joules": b"3"}, 3.0, "meter odd gave a bytes that is no finite number"),
    "more": ({"watts": 3.0, "joules": 4.0, "others": 5.0}, 3.0, 4.0),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_every_quantity_is_a_finite_number_or_a_reason_whatever_a_meter_answers(case):
    given, watts, joules = ANSWERS[case]
    assert read(gives=given) == {"watts": watts, "joules": joules}


def test_an_answer_that_is_no_mapping_is_a_meter_that_failed():
    assert all("meter odd failed: TypeError" in str(reason) for reason in read(gives=None).values())


def test_a_meter_that_fails_costs_the_others_nothing(monkeypatch):
    good, bad = Meter("good", ("watts",), Odd), Meter("bad", ("joules",), type("Bad", (Odd,), {"fails": "sample"}))
    monkeypatch.setattr(usage, "meters", lambda: {"bad": bad, "good": good})

    def receive(answer, meanwhile, every):
        meanwhile()
        return answer(seconds=4.0, steps=10, own_cpu=1.0)

    worker = SimpleNamespace(pid=1, send=lambda *_, **__: None, receive=receive)
    case = SimpleNamespace(workload=SimpleNamespace(device="cpu", batch=8, phase="infer"))
    found = usage.sustained_run(worker, case, 4.0, frozenset())
    assert found == Usage({"watts": 3.0}, {"joules": "meter bad failed: OSError: planted in sample"})


def test_a_meter_that_cannot_be_loaded_is_absent_with_its_reason_and_the_others_are_there(monkeypatch, tmp_path):
    (tmp_path / "odd_meters").mkdir()
    (tmp_path / "odd_meters" / "__init__.py").write_text("")
    (tmp_path / "odd_meters" / "broken.py").write_text("import math\nmath.no_such_function\n")
    (tmp_path / "odd_meters" / "fine.py").write_text(
        "from bench.meters import Meter\nfrom bench.meters.processor import CpuMeter\n"
        "FINE = Meter('fine', ('x',), CpuMeter)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    entry = SimpleNamespace(name="outside", group="deadheat.meters", value="no.such:METER", load=lambda: 1 / 0)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    found, broken = registry.find_working("odd_meters", "deadheat.meters", Meter)
    assert list(found) == ["fine"]
    assert list(broken) == ["broken", "outside"]
    assert broken["broken"] == "AttributeError: module 'math' has no attribute 'no_such_function'"
    assert "no.such:METER) cannot be loaded: ZeroDivisionError: division by zero" in broken["outside"]


def test_which_meters_are_absent_and_why_is_recorded_and_said_by_doctor(monkeypatch):
    from bench.runner import metadata
    from bench.validation import doctor

    monkeypatch.setattr(meters, "_loaded", lambda: ({"rapl": None}, {"outside": "ImportError: no libfoo"}))
    (warning,) = metadata._absent_meters()
    assert "the meter outside is absent" in warning["what"]
    assert "ImportError: no libfoo" in warning["what"]
    here, absent = doctor._meters()
    assert here.what.startswith("rapl")
    assert (absent.level, absent.what) == (doctor.WARN, "outside is absent: ImportError: no libfoo")


class NVMLError(Exception):
    """As the package's own."""


def package(**functions: object) -> ModuleType:
    """A package called pynvml: of one card that tells nothing, with these functions."""
    found = ModuleType("pynvml")
    given = {
        "NVMLError": NVMLError,
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        **functions,
    }
    vars(found).update({name: value for name, value in given.items() if value is not None})
    return found


def raises(problem: Exception):
    def function(*_: object) -> None:
        raise problem

    return function


INVALID = UnicodeDecodeError("utf-8", b"Card \xae", 5, 6, "invalid start byte")
NAMES = {
    "bytes": (lambda _: b"Card 1", "Card 1"),
    "bytes that are no UTF-8": (lambda _: b"Card \xae", "Card \ufffd"),
    "text that is no UTF-8": (raises(INVALID), "Card \ufffd"),
    "an error": (raises(NVMLError("Not Supported")), None),
    "any error": (raises(ZeroDivisionError()), None),
    "no such function": (None, None),
    "an object": (lambda _: object(), None),
    "no number": (lambda _: math.nan, None),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_fact_of_a_card_is_what_json_can_have_or_null(monkeypatch, case):
    function, name = NAMES[case]
    monkeypatch.setitem(sys.modules, "pynvml", package(nvmlDeviceGetName=function))
    (found,) = nvidia.state()
    assert found.keys() == {"driver", *nvidia.FACTS}
    assert found["name"] == name
    assert {value for key, value in found.items() if key != "name"} == {None}, "which this package lacks"
    assert json.loads(strict_json.dumps(machine.describe([found])))["gpus"] == [found]


BROKEN = {
    "another package": (ModuleType("pynvml"), "has no attribute 'nvmlInit'; another package has taken the name pynvml"),
    "not there": (None, "another package has taken the name pynvml; pip uninstall pynvml"),
    "no driver": (package(nvmlInit=raises(NVMLError("Driver Not Loaded"))), "cannot be asked: Driver Not Loaded"),
    "any error": (
        package(nvmlInit=raises(OSError("libnvidia-ml.so: bad magic"))),
        "OSError: libnvidia-ml.so: bad magic",
    ),
    "text that is no UTF-8": (package(nvmlInit=raises(INVALID)), "UnicodeDecodeError"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_package_or_driver_that_cannot_be_asked_is_a_reason_everywhere(monkeypatch, case):
    module, reason = BROKEN[case]
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert nvidia.state() == []
    assert reason in str(nvidia.missing())
    assert reason in str(nvidia.undescribed())
    with pytest.raises(Unavailable, match="^--device cuda: .*leave it out to train on the CPU$") as refused:
        where("pytorch", "cuda")
    assert reason in str(refused.value)
    watcher = NvmlMeter(1, "cuda", frozenset(), settle=0)
    watcher.sample()
    told = watcher.end(SOAK)
    assert set(told) == set(NVML.quantities)
    assert all(reason in str(why) for why in told.values())
    assert set(NvmlMeter(1, "cpu", frozenset()).end(SOAK).values()) == {"it runs on the CPU"}


@pytest.mark.parametrize("fails", ["", "nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex"])
def test_the_driver_is_ended_as_often_as_it_is_begun(monkeypatch, fails):
    calls: list[str] = []
    counted = {name: (lambda name=name: calls.append(name)) for name in ("nvmlInit", "nvmlShutdown")}
    failing = {fails: raises(NVMLError("GPU is lost"))} if fails else {}
    monkeypatch.setitem(sys.modules, "pynvml", package(**counted, **failing))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    nvidia.missing()
    nvidia.state()
    NvmlMeter(1, "cuda", frozenset(), settle=0).end(SOAK)
    assert calls == ["nvmlInit", "nvmlShutdown"] * 3


def test_trainings_and_launches_agree_on_which_card_there_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", package())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert nvidia.missing() is None
    assert where("pytorch", "cuda").device == "cuda"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(Unavailable, match="^--device cuda: CUDA_VISIBLE_DEVICES hides every card; leave it out"):
        where("pytorch", "cuda")
    assert where("pytorch", "cpu").device == "cpu"


@pytest.mark.parametrize(
    "problem", [AttributeError("no such name"), ValueError("odd"), INVALID], ids=lambda one: type(one).__name__
)
def test_what_a_card_does_not_tell_for_whatever_reason_is_missing_and_the_rest_is_there(monkeypatch, problem):
    rates = SimpleNamespace(gpu=80, memory=40)
    odd = package(nvmlDeviceGetUtilizationRates=lambda _: rates, nvmlDeviceGetPowerUsage=raises(problem))
    monkeypatch.setitem(sys.modules, "pynvml", odd)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    watcher = NvmlMeter(1, "cuda", frozenset(), settle=0)
    watcher.sample()
    told = watcher.end(SOAK)
    assert (told["gpu_utilisation"], told["gpu_memory_utilisation"]) == (0.8, 0.4)
    assert f"the driver does not tell: {type(problem).__name__}" in str(told["gpu_watts"])
    rest = set(NVML.quantities) - {"gpu_utilisation", "gpu_memory_utilisation"}
    assert all(isinstance(told[name], str) for name in rest)
