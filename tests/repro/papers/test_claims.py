"""The papers' claims as data: all of them are there, and each says what it needs to be tested."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from impls.errors import UnknownName
from repro.claims.claim import Claim, Kind, claims, load_claim, papers


def numbered(paper: str, last: int, errata: int = 0) -> list[str]:
    return [f"{paper}-{number}" for number in range(1, last + 1)] + [f"{paper}-E{one}" for one in range(1, errata + 1)]


IDS = {
    "AX": numbered("AX", 13, errata=2),
    "LN": numbered("LN", 8, errata=1),
    "NIN": numbered("NIN", 10),
    "SPP": numbered("SPP", 12, errata=2),
    "VGG": numbered("VGG", 9),
}
STRUCTURAL = {
    *("AX-11", "AX-12", "AX-13", "AX-E1", "AX-E2"),
    *("LN-1", "LN-7", "LN-8", "LN-E1"),
    *("NIN-8", "NIN-9"),
    *("SPP-1", "SPP-2", "SPP-3", "SPP-4", "SPP-E1", "SPP-E2"),
    *("VGG-1", "VGG-8"),
}
FRAMEWORKS = {"torch", "tensorflow", "jax", "keras"}
ROOT = Path(__file__).parents[3]
DATA_SETS = {"imagenet", "imagenette128", "cifar10", "cifar100", "svhn", "mnist", "fashion-mnist"}

every_claim = pytest.mark.parametrize("claim", claims().values(), ids=claims())


def own(name: str) -> list[Claim]:
    return list(papers()[name].claims)


@pytest.mark.parametrize("paper", IDS)
def test_a_paper_has_all_its_claims_in_order(paper: str) -> None:
    assert [claim.id for claim in own(paper)] == IDS[paper]


def test_papers_of_this_project_are_these_five() -> None:
    assert set(papers()) >= set(IDS)
    assert list(IDS) == sorted(IDS)


def test_ids_are_unique() -> None:
    counted = Counter(claim.id for paper in papers().values() for claim in paper.claims)
    assert counted.most_common(1)[0][1] == 1


@every_claim
def test_a_claim_says_what_where_and_how(claim: Claim) -> None:
    for text in (claim.place, claim.statement, claim.number, claim.method):
        assert text
        assert text == " ".join(text.split())
    assert claim.statement[-1] == claim.method[-1] == "."


@every_claim
def test_what_a_claim_is_tested_by_suits_its_kind(claim: Claim) -> None:
    if claim.kind is Kind.TRAINING:
        assert claim.check is None
        assert claim.experiments or claim.needs
    else:
        assert claim.check is not None
        assert claim.experiments == ()


@every_claim
def test_what_a_claim_needs_is_a_data_set_or_a_sentence(claim: Claim) -> None:
    assert all(need in DATA_SETS or " " in need for need in claim.needs)
    if claim.kind is Kind.STRUCTURAL:
        assert claim.needs == ()


def test_kinds() -> None:
    of_five = [claim for paper in IDS for claim in own(paper)]
    assert {claim.id for claim in of_five if claim.kind is Kind.STRUCTURAL} == STRUCTURAL
    assert [claim.id for claim in of_five if claim.kind is Kind.SPEED] == ["SPP-12", "VGG-9"]


def test_a_claim_is_found_in_any_case_and_a_wrong_id_names_the_nearest() -> None:
    assert load_claim("ax-11").id == "AX-11"
    with pytest.raises(UnknownName, match="AX-1"):
        load_claim("AX-111")


ALL_STRUCTURAL = """
import sys
from repro.claims.claim import Kind, claims
verdicts = [claim.check().verdict for claim in claims().values() if claim.kind is Kind.STRUCTURAL]
print(len(verdicts), *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_structural_claims_are_settled_without_a_framework() -> None:
    told = subprocess.run([sys.executable, "-c", ALL_STRUCTURAL], cwd=ROOT, capture_output=True, text=True, check=True)
    count, *imported = told.stdout.split()
    assert int(count) >= len(STRUCTURAL)
    assert not FRAMEWORKS & set(imported)
