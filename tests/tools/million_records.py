"""What a large campaign costs: `python -m tests.tools.million_records [RECORDS ...]` (default: 10000 100000 1000000).

Each campaign is made up: about 1,000 cases, written pass by pass as a campaign writes them. Each step is a process of
its own: seconds (imports included, except for the rounds of one case) and peak memory are that process's.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tabulate import tabulate

from results.schema.columns import USAGE
from results.schema.record import Record, Usage
from results.store.campaigns import CampaignWriter
from tests.support import large

ROOT = Path(__file__).parent.parent.parent
SIZES = (10_000, 100_000, 1_000_000)
NETWORKS = 50
AT_ONCE = 5_000

STEPS = {
    "mirror": "from results.store.mirroring import write; write(folder)",
    "cases": "import results; results.load(folder, rows='cases')",
    "rounds of a case": """
import pandas, time
import results.store.mirror
from results.store.campaigns import read_campaign
begun = time.perf_counter()
launches = list(read_campaign(folder).launches.values())
assert len(launches[len(launches) // 2].rounds)
""",
    "show": "sys.argv = ['bench', 'show', str(folder)]; runpy.run_module('bench', run_name='__main__')",
    "report": """
sys.argv = ['reports', str(folder), '--output', str(folder / 'page')]
runpy.run_module('reports', run_name='__main__')
""",
    "history": "sys.argv = ['bench', 'history', str(folder)]; runpy.run_module('bench', run_name='__main__')",
}
CHILD = """
import resource, runpy, sys, time
from pathlib import Path
folder, begun = Path(sys.argv[1]), time.perf_counter()
try:
    exec(compile({step!r}, "step", "exec"))
except SystemExit:
    pass
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr)
"""


def made_up(count: int) -> Iterator[Record]:
    """As many records, of about 1,784 bytes each, as those of the committed campaigns are."""
    missing = {column.name: "no sustained run was asked for; --sustained 3s gives one" for column in USAGE[2:6]}
    networks = min(NETWORKS, max(count // 2_000, 1))
    for record in itertools.islice(large.passes(networks, count), count):
        seconds = record.seconds
        usage = record.usage and Usage(record.usage.values, missing)
        yield replace(record, settling=seconds[:2], warmup=seconds + seconds, usage=usage)


def write(data: Path, count: int) -> Path:
    """A campaign of that many records; its folder."""
    writer = CampaignWriter.create(data, f"made-up-{count}", large.system(NETWORKS))
    records = made_up(count)
    while some := list(itertools.islice(records, AT_ONCE)):
        writer.append(some)
    writer.close()
    return writer.folder


def step(name: str, folder: Path) -> list[object]:
    command = [sys.executable, "-c", CHILD.format(step=STEPS[name]), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds, busy, kilobytes = done.stderr.split()[-3:]
    return [name, f"{float(seconds):.2f}", f"{float(busy):.2f}", f"{int(kilobytes) / 1000:.0f}"]


def main(counts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as data:
        for count in counts:
            begun = time.perf_counter()
            folder = write(Path(data), count)
            size = (folder / "records.jsonl").stat().st_size
            print(f"{count:,} records: {size / 1e6:.0f} MB of JSON, made up in {time.perf_counter() - begun:.0f} s")
            rows = [step(name, folder) for name in STEPS]
            print(tabulate(rows, headers=["step", "s", "CPU s", "peak MB"], tablefmt="github", disable_numparse=True))
            sizes = {
                path.name: path.stat().st_size / 1e6
                for path in (folder / "launches.parquet", folder / "page" / "index.html")
            }
            print(", ".join(f"{name}: {megabytes:.1f} MB" for name, megabytes in sizes.items()), flush=True)


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]] or list(SIZES))
