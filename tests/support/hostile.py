"""A campaign in which every text is hostile: markup, quotes, bidirectional marks, excessive length."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from results.schema.record import Case, Contestant, Parity, Record, Status, Usage, Workload
from tests.support.made_up import HOSTILE, LONG, SYSTEM, measured

TURNED = "\u202e\u2067\u05d0\u0627 \u200f"
NASTY = f"{HOSTILE}\"'`&amp;</td></script><img src=x onerror=alert(2)>{TURNED}"


def records() -> list[Record]:
    """Measured and lost launches of cases whose every part is hostile."""
    load = Workload(f"net{NASTY}", 64, 64, 3, 10, 8, f"float32{NASTY}", f"cpu{NASTY}", "infer")
    odd = replace(load, phase=f"phase{NASTY}")
    endless = replace(load, architecture=LONG)
    streamed = replace(load, stream=f"stream{NASTY}", parts=((64, 64, 4), (32, 32, 4)))
    hostile = Contestant(f"framework{NASTY}", f"execution{NASTY}", f"interpreter{NASTY}", f"setting{NASTY}")
    others = Contestant(LONG, "eager"), Contestant("plain", "eager")
    parity = Parity(1e-7, 1e-8, 1e-6, f"array{NASTY}", 3)
    usage = Usage(
        {"peak_rss_step_bytes": 1e8, "allocator_bytes": 1e8}, {"gpu_watts": NASTY}, {"allocator_bytes": NASTY}
    )
    made = []
    for workload in (load, odd, endless, streamed):
        for number, contestant in enumerate((hostile, *others)):
            for launch in range(3):
                own = measured(Case(workload, contestant), launch, [0.01 + 0.001 * number] * 3, parity)
                made.append(replace(own, usage=usage, effective_precision=NASTY, fallback=NASTY, compilations=1))
        lost = Contestant("lost", f"{NASTY}")
        made += [Record(Case(workload, lost), n, status, f"{status}: {NASTY}") for n, status in enumerate(LOST)]
    return made


LOST = tuple(status for status in Status if status is not Status.MEASURED)


def system() -> dict[str, Any]:
    """The usual one with a hostile text for every text in it, keys where they are names included."""
    return {**nasty(SYSTEM), "reference": "plain:eager", "suite": {"name": NASTY, "title": NASTY}}


def nasty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: nasty(one) for key, one in value.items()}
        return kept | {NASTY: NASTY}
    if isinstance(value, list):
        return [nasty(one) for one in value]
    return f"{value}{NASTY}" if isinstance(value, str) else value
