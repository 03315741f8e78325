"""Memory, utilisation and energy of cases, and their distance from the machine's peaks: formatted rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.figures import network as figures
from reports.figures.trade_offs import trade_offs
from reports.format import numbers
from reports.format.networks import Network, Row, text
from reports.sections.section import CampaignView, Chapter, Section
from results.compare.limits import Limits
from results.schema.columns import device_columns
from results.schema.record import Status
from results.schema.system import LayerFacts
from results.words import PEAKS, in_words, missing_reasons

MEGA, GIGA = 1e-6, 1e-9


@dataclass(frozen=True)
class Quantity:
    """A column of the table: its title, its unit, and the function from a row of `cases` to a value in that unit."""

    name: str
    unit: str
    of: Callable[[Row], float]


def _scaled(column: str, scale: float = 1.0) -> Callable[[Row], float]:
    return lambda row: row[column] * scale


def _energy(row: Row) -> float:
    """Energy per image of the device: the GPU, or the CPU packages."""
    return float(row[device_columns(row["device"]).energy])


QUANTITIES = (
    Quantity("memory of a step", "MB", _scaled("memory_bytes", MEGA)),
    Quantity("minimum memory", "MB", _scaled("min_memory_bytes", MEGA)),
    Quantity("peak RSS of the launch", "MB", _scaled("peak_rss_launch_bytes", MEGA)),
    Quantity("allocator peak", "MB", _scaled("allocator_bytes", MEGA)),
    Quantity("GPU memory of the process", "MB", _scaled("gpu_memory_bytes", MEGA)),
    Quantity("CPUs used while timed", "cores", _scaled("process_cpus_used")),
    Quantity("CPU utilisation, sustained run", "%", _scaled("cpu_utilisation", 100)),
    Quantity("GPU utilisation, sustained run", "%", _scaled("gpu_utilisation", 100)),
    Quantity("GPU clock, sustained run", "MHz", _scaled("gpu_clock_hz", MEGA)),
    Quantity("GPU power, sustained run", "W", _scaled("gpu_watts")),
    Quantity("energy", "J/image", _energy),
    Quantity("rate", "GMAC/s", _scaled("macs_per_second", GIGA)),
    Quantity("of peak", "%", _scaled("fraction_of_peak", 100)),
)


@dataclass(frozen=True)
class UseRow:
    """One case: a number for each quantity that any case of the network has, None if this one has none."""

    phase: str
    contestant: str
    values: Sequence[tuple[float, str] | None]


@dataclass(frozen=True)
class Use:
    """The known quantities of all networks, with a row per measured case; `title` names what is known.

    `trade_offs`: (id of the network's part of the page, title, figure of time against memory). `notes`: (missing
    quantities with reasons, or sources; the contestants concerned), each once. `is_on_card`: it was measured on a GPU.
    """

    title: str
    quantities: Sequence[Quantity]
    chapters: Sequence[Chapter[Sequence[UseRow]]]
    trade_offs: Sequence[tuple[str, str, Markup]]
    notes: Sequence[tuple[str, str]]
    is_on_card: bool = False


def measured_rows(network: Network) -> list[Row]:
    """The measured cases of a network, by phase."""
    order = [(phase, contestant) for phase in network.phases for contestant in network.contestants]
    found = [network.rows[key] for key in order if key in network.rows]
    return [row for row in found if row["status"] == Status.MEASURED]


def known_quantities(measured: Sequence[Row]) -> list[Quantity]:
    """Without those that no case has."""
    return [one for one in QUANTITIES if any(not math.isnan(one.of(row)) for row in measured)]


def _title(known: Sequence[Quantity]) -> str:
    """ "Memory, utilisation, energy", without what is not known."""
    units = {one.unit for one in known}
    what = {"memory": {"MB"}, "utilisation": {"cores", "%"}, "energy": {"J/image"}}
    return ", ".join(name for name, of in what.items() if units & of).capitalize()


def use_row(row: Row, known: Sequence[Quantity]) -> UseRow:
    values = [None if math.isnan(value := one.of(row)) else _shown(value) for one in known]
    return UseRow(row["phase"], row["contestant"], values)


def _shown(value: float) -> tuple[float, str]:
    """The value with enough digits to sort by, and its text."""
    return float(f"{value:.7g}"), numbers.plain(value)


def notes(measured: Sequence[Row]) -> list[tuple[str, str]]:
    """Notes that hold for all cases once, others with their phases and contestants."""
    noted: dict[str, list[Row]] = {}
    for row in measured:
        allocator = text(row["allocator_source"])
        notes = [f"allocator: {allocator}" if allocator else "", *_unknown(text(row["usage_missing"]))]
        for note in filter(None, notes):
            noted.setdefault(note, []).append(row)
    return [(note, _names(own, measured)) for note, own in noted.items()]


def _unknown(missing: str) -> list[str]:
    found = missing_reasons(missing)
    return [f"not known: {in_words(', '.join(names))}: {reason}" for reason, names in found.items()]


def _names(own: Sequence[Row], measured: Sequence[Row]) -> str:
    if len(own) == len(measured):
        return "all:"
    phases: dict[str, list[str]] = {}
    for row in own:
        phases.setdefault(row["contestant"], []).append(row["phase"])
    return "; ".join(f"{contestant} ({', '.join(some)})" for contestant, some in phases.items()) + ":"


@dataclass(frozen=True)
class LayerRow:
    """A layer of a forward pass: its millions of multiply-accumulates, and the minimum milliseconds at the peaks."""

    layer: str
    macs: tuple[float, str]
    compute: tuple[float, str]
    weights: tuple[float, str] | None


@dataclass(frozen=True)
class LayerTable:
    """The layers of a network, their sum, and the shortest measured `infer` (None: not measured)."""

    rows: Sequence[LayerRow]
    total: tuple[float, str]
    measured: tuple[float, str, str] | None


def layer_table(network: Network, layers: Sequence[LayerFacts], limits: Limits) -> LayerTable | None:
    """Minimum times by layer; None for a campaign without measured peaks or without layer requirements."""
    kind = network.precision, network.device
    compute, reading = (limits.ceiling(of, kind) for of in ("macs", "bytes"))
    if compute is None or not layers:
        return None
    rows = []
    for layer in layers:
        macs, weight_bytes = layer.macs or 0, layer.weight_bytes or 0
        least = numbers.milliseconds(macs / compute.rate)
        weights = numbers.milliseconds(weight_bytes / reading.rate) if reading else None
        rows.append(LayerRow(layer.layer or "", (MEGA * macs, numbers.plain(MEGA * macs)), least, weights))
    total = sum(row.compute[0] for row in rows)
    return LayerTable(rows, (total, numbers.plain(total)), _shortest(network))


def _shortest(network: Network) -> tuple[float, str, str] | None:
    measured = [
        row for (phase, _), row in network.rows.items() if phase == "infer" and row["status"] == Status.MEASURED
    ]
    if not measured:
        return None
    best = min(measured, key=lambda row: row["seconds"])
    return *numbers.milliseconds(best["seconds"]), best["contestant"]


@dataclass(frozen=True)
class CeilingRow:
    """A measured peak, and the contestant that reached it."""

    precision: str
    device: str
    what: str
    rate: float
    shown: str
    case: str


def ceiling_rows(limits: Limits) -> list[CeilingRow]:
    """A campaign's measured peaks; empty if it has no probes."""
    rows = []
    for (of, (precision, device)), ceiling in sorted(limits.ceilings.items()):
        what, unit = PEAKS[of]
        shown = f"{numbers.plain(ceiling.rate * GIGA)} {unit}"
        rows.append(CeilingRow(precision, device, what, ceiling.rate, shown, ceiling.case))
    return rows


def build(view: CampaignView) -> Use | None:
    measured = [row for part in view.parts for row in measured_rows(part.network)]
    if not (known := known_quantities(measured)):
        return None
    return Use(
        title=_title(known),
        quantities=known,
        chapters=view.chapters(
            lambda part: [use_row(row, known) for row in measured_rows(part.network)],
            lambda part: figures.memory(part.network, view.contestants, f"{part.id}-memory"),
        ),
        trade_offs=list(_trade_offs(view)),
        notes=notes(measured),
        is_on_card=any(row["device"] != "cpu" for row in measured),
    )


def _trade_offs(view: CampaignView) -> Iterator[tuple[str, str, Markup]]:
    """Of the first drawn network of each architecture: its other sizes are in the section on sizes."""
    first = {part.network.architecture: part.id for part in reversed(view.parts) if part.is_drawn}
    for part in (part for part in view.parts if part.id in first.values()):
        network, phase = part.network, part.network.phases[-1]
        if figure := trade_offs(network, phase, view.contestants, f"{part.id}-trade"):
            yield part.id, f"{view.titles[network.id]}, {phase}", Markup(figure)


SECTION = Section("use", "Memory and use", "use.html.j2", build)
