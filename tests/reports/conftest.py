"""Campaigns of made-up records, and a reproduction of planted trials, on disk."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.pages import campaign, comparison, history, reproduction
from results.schema.findings import Agreement, ClaimResult, ContrastResult, Findings, SizeVerdict, Trained, Verdict
from results.schema.record import Case, Contestant, Record
from results.schema.system import system_of
from results.schema.trial import Outcome, Point, Trial
from results.store import pictures
from results.store.campaigns import CampaignWriter, StoredCampaign, read_campaign
from results.store.pictures import Pictures
from results.store.reproductions import PICTURES, Reproduction, ReproductionWriter, read
from tests.support.fleet import node_campaigns
from tests.support.made_up import HOSTILE, SYSTEM, lively_records, measured, workload

REFERENCE = Path(__file__).parents[2] / "results" / "data" / "reference-cpu-2cores"
SHOWN = {"nin-cifar10", "alexnet"}
DAYS, SINCE = 12, 7


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def write_campaign(data: Path) -> Callable[..., StoredCampaign]:
    """Write records as a campaign and read it back."""

    def write(records: Iterable[Record], name: str = "2026-11-22-lively", system: object = SYSTEM) -> StoredCampaign:
        writer = CampaignWriter.create(data, name, system)
        writer.append(records)
        writer.close()
        return read_campaign(writer.folder)

    return write


@pytest.fixture(scope="session")
def lively(tmp_path_factory: pytest.TempPathFactory) -> StoredCampaign:
    """Everything at once, two unreadable lines among it; for reading only."""
    writer = CampaignWriter.create(tmp_path_factory.mktemp("data"), "2026-11-22-lively", SYSTEM)
    writer.append(lively_records())
    writer.close()
    with (writer.folder / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"cut off": \n{"schema": 99}\n')
    return read_campaign(writer.folder)


@pytest.fixture(scope="session")
def lively_page(lively: StoredCampaign) -> str:
    return campaign.render([lively])


@pytest.fixture(scope="session")
def fleet_page() -> str:
    """Of a campaign of four machines, of which one differs."""
    return campaign.render([node_campaigns.campaign(4, planted={("n3", node_campaigns.GAMMA): 1.1})])


def trial(name: str, seed: int = 0, end: float = 0.02, **other: object) -> Trial:
    """A trial whose test error falls from 30 % to `end` in five passes."""
    points = tuple(
        Point(float(n), 1000 * n, 0.01, 2.0 / n, 0.5 * end * 5 / n, end + (0.3 - end) * (5 - n) / 4)
        for n in range(1, 6)
    )
    given = {"network": "lenet5", "framework": "pytorch", "errors": {"": end}, "points": points, "seconds": 75.0}
    losses = tuple(2.3 / (1 + 0.1 * step) * (1 + 1e-6 * seed * 1.5**step) for step in range(40))
    settings = {"images": "1,000 of 60,000", "passes": "5 at 0.01"}
    common = {"data": "mnist", "execution": "eager", "device": "cpu", "outcome": Outcome.FINISHED}
    return Trial(id=name, seed=seed, **{**common, **given, "losses": losses, "settings": settings, **other})  # type: ignore[arg-type]


def claim(name: str, verdict: Verdict, **other: object) -> ClaimResult:
    given = {"paper": "LN", "kind": "structural", "place": "Table 1", "statement": f"what {name} says"}
    rest = {"number": "60,000", "method": "counted", "evidence": "it came to 60,000", "verdict": verdict}
    return ClaimResult(id=name, **{**given, **rest, **other})  # type: ignore[arg-type]


def contrast(verdict: Verdict, **other: object) -> ContrastResult:
    given = {"unit": "points", "value": -0.15, "low": -0.21, "high": -0.09, "pairs": 3, "confidence": 0.95}
    rest = {"statement": "error with less that without", "claimed": (None, 0.0), "paper": "-0.14 points"}
    return ContrastResult(verdict=verdict, **{**given, **rest, **other})  # type: ignore[arg-type]


def planted_findings() -> Findings:
    """All five verdicts, an erratum, a claim whose trials broke off, one whose trial is gone, and hostile names."""
    arms = {"plain": ("a0", "a1"), "distorted": ("b0", "b1")}
    open_end = contrast(Verdict.INCONCLUSIVE, value=None, low=None, high=None, pairs=0, remedy="more seeds")
    training = {"kind": "training", "framework": "pytorch:eager", "scale": "1,000 of 60,000 images", "seeds": 2}
    again = {"command": "deadheat-reproduce LN-4 --seeds 2"}
    kept = contrast(Verdict.SUPPORTED)
    less = {"size": -0.14, "size_verdict": SizeVerdict.LESS_THAN_HALF, "size_bound": -0.05}
    small = contrast(Verdict.NOT_AT_THIS_SCALE, value=-0.01, low=-0.05, high=0.03, **less)
    nasty = {"paper": HOSTILE, "statement": HOSTILE, "number": HOSTILE, "evidence": HOSTILE, "needs": (HOSTILE,)}
    hostile = contrast(Verdict.INCONCLUSIVE, statement=HOSTILE, unit=HOSTILE, paper=HOSTILE, remedy=HOSTILE)
    return Findings(
        claims=(
            claim("LN-1", Verdict.SUPPORTED),
            claim("LN-4", Verdict.SUPPORTED, **training, **again, contrasts=(kept,), arms=arms),
            claim(
                "LN-5", Verdict.INCONCLUSIVE, **training, contrasts=(open_end,), arms={"plain": ("a0", "bad", "gone")}
            ),
            claim("LN-6", Verdict.NOT_AT_THIS_SCALE, **training, contrasts=(small,), arms=arms),
            claim("LN-E1", Verdict.CONTRADICTED),
            claim("NIN-1", Verdict.NOT_TESTABLE, paper="NIN", needs=("cifar10",), evidence=""),
            claim(
                HOSTILE, Verdict.INCONCLUSIVE, **nasty, kind="training", contrasts=(hostile,), arms={HOSTILE: ("a1",)}
            ),
        ),
        agreement=Agreement("One training, twice.", 1e-3, 16, 40, {"pytorch": "a0", "jax": "a1", HOSTILE: "gone"}),
        trained=(
            Trained("LeNet-5", "a sixtieth", 0.97, {"pytorch": "a0", "jax": "low", "keras": "bad", "tf": "gone"}, "go"),
        ),
    )


PLANTED = (
    *(trial(f"a{seed}", seed, 0.02 + 0.001 * seed) for seed in range(2)),
    *(trial(f"b{seed}", seed, 0.015 + 0.001 * seed) for seed in range(2)),
    trial("low", end=0.2, framework="jax"),
    trial("bad", 7, outcome=Outcome.DIVERGED, reason="the mean loss came to inf", errors={}),
    trial("never", outcome=Outcome.SKIPPED, reason=HOSTILE, points=(), losses=(), errors={}, seconds=0.0, settings={}),
)


def planted_pictures() -> Pictures:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (12, 1, 28, 28), np.uint8), np.arange(12) % 10
    maps, filters = rng.random((3, 10, 7, 7)), rng.normal(size=(6, 1, 5, 5))
    classes = (*map(str, range(9)), HOSTILE)
    return Pictures(classes, filters, images, labels, (labels + 1) % 10, 40, maps, images[:3], labels[:3])


@pytest.fixture
def write_reproduction(data: Path) -> Callable[..., Reproduction]:
    """Write trials and findings as a reproduction and read it back."""

    def write(
        trials: Iterable[Trial] = (), findings: Findings | None = None, name: str = "r1", started: str = ""
    ) -> Reproduction:
        writer = ReproductionWriter.create(data, name, {**SYSTEM, "started": started or SYSTEM["started"]})
        for one in trials:
            writer.append(one)
        if findings:
            writer.save_findings(findings)
        writer.close()
        return read(writer.folder)

    return write


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Reproduction:
    """Everything at once, an unreadable line and a damaged picture among it; for reading only."""
    writer = ReproductionWriter.create(tmp_path_factory.mktemp("data"), "2026-11-23-planted", SYSTEM)
    for one in PLANTED:
        writer.append(one)
    writer.save_findings(planted_findings())
    writer.close()
    pictures.write(writer.folder / PICTURES / "a0.npz", planted_pictures())
    (writer.folder / PICTURES / "b0.npz").write_bytes((writer.folder / PICTURES / "a0.npz").read_bytes()[:900])
    with (writer.folder / "trials.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"cut off": \n')
    return read(writer.folder)


@pytest.fixture(scope="session")
def planted_page(planted: Reproduction) -> str:
    return reproduction.render(planted)


def slower(records: Iterable[Record], phase: str, factor: float) -> list[Record]:
    return [
        replace(one, seconds=tuple(factor * second for second in one.seconds))
        if one.case.workload.phase == phase
        else one
        for one in records
    ]


@pytest.fixture(scope="session")
def months() -> list[StoredCampaign]:
    """A dozen campaigns made of the committed one, an hour's jitter on each; later PyTorch trains slower, and is newer.

    One more is of another machine, with a name that is no name.
    """
    committed = read_campaign(REFERENCE)
    records = [
        one
        for one in committed.records
        if one.case.workload.architecture in SHOWN and one.case.workload.phase in ("infer", "train")
    ]
    made = []
    for day in range(1, DAYS + 1):
        rng = random.Random(day)
        hour = rng.gauss(0, 0.005)
        system = json.loads(json.dumps({**committed.system.content(), "started": f"2026-11-{day:02d}T03:00:00Z"}))
        system["contestants"]["pytorch:eager"]["versions"] = {"torch": "2.13.0" if day >= SINCE else "2.12.0"}
        factors = {one.case: math.exp(hour + rng.gauss(0, 0.003)) for one in records}
        mine = [
            replace(one, seconds=tuple(_factor(one, day) * factors[one.case] * second for second in one.seconds))
            for one in records
        ]
        made.append(StoredCampaign(Path(f"night-{day:02d}"), system_of(system), tuple(mine)))
    system = {**SYSTEM, "started": "2026-11-20", "machine": {**SYSTEM["machine"], "cpu": HOSTILE}}
    return [
        *made,
        StoredCampaign(Path(f"{HOSTILE}\u202e"), system_of(system), tuple(lively_records()), (f"line 3: {HOSTILE}",)),
    ]


def _factor(record: Record, day: int) -> float:
    theirs = record.case.contestant.framework == "pytorch" and record.case.workload.phase == "train"
    return 1.4 if theirs and day >= SINCE else 1.0  # enough for launches that spread as the committed ones do


@pytest.fixture(scope="session")
def history_page(months: list[StoredCampaign]) -> str:
    return history.render(months)


@pytest.fixture(scope="session")
def pair(lively: StoredCampaign) -> tuple[StoredCampaign, StoredCampaign]:
    """The lively campaign and one in which training takes 10 % longer, something is lost and something new."""
    records = [one for one in slower(lively.records, "train", 1.1) if one.case.contestant.framework != "delta"]
    new = [measured(Case(workload(), Contestant("new", HOSTILE)), launch, [0.01]) for launch in range(3)]
    system = {**SYSTEM, "machine": {**SYSTEM["machine"], "kernel": f"6.13 {HOSTILE}"}}
    return lively, StoredCampaign(Path("later"), system_of(system), (*records, *new))


@pytest.fixture(scope="session")
def comparison_page(pair: tuple[StoredCampaign, StoredCampaign]) -> str:
    return comparison.render(*pair)
