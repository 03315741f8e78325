"""Schema of system.json: the metadata of a campaign or reproduction, read leniently.

Every field is optional: files of earlier schemas lack some. A value of a wrong type is missing and reported as a
problem; unknown keys are kept. The schema's history is that of records (results.schema.record); earlier names are in
results.schema.renames.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from results.schema.record import short


def _sane(value: float) -> float:
    if not -(2**63) < value < 2**63:
        raise ValueError("must be a finite number below 2^63")
    return value


Number = Annotated[int | float, AfterValidator(_sane)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
"""A JSON list."""


class Facts(BaseModel):
    """An object of system.json."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    def content(self) -> dict[str, Any]:
        """The JSON of the fields that were set, unknown keys included."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)


def _plain(said: object) -> object:
    """A plain text is a warning without a remedy."""
    return {"what": said} if isinstance(said, str) else said


class Warned(Facts):
    """A warning about a campaign, and its remedy."""

    what: str = ""
    remedy: str = ""


Warnings = Annotated[tuple[Annotated[Warned, BeforeValidator(_plain)], ...], Field(strict=False)]


class Gpu(Facts):
    """A card, or the MIG device of one, whose `mig_profile` is "1g.10gb" or the like."""

    name: str | None = None
    driver: str | None = None
    uuid: str | None = None
    pci: str | None = None
    mig_profile: str | None = None
    compute_mode: str | None = None
    memory_bytes: Number | None = None


class Machine(Facts):
    """Sizes are in bytes; `cpu_quota` is in cores; None: no limit, or not reported by the system.

    `gpus`: all of the machine; `cards`: those that launches compute on. Both are empty where the driver
    cannot be asked; None in campaigns that do not say.
    """

    cpu: str | None = None
    cores: int | None = None
    threads: int | None = None
    allowed_cores: int | None = None
    cpu_quota: Number | None = None
    memory_bytes: Number | None = None
    memory_limit_bytes: Number | None = None
    os: str | None = None
    kernel: str | None = None
    architecture: str | None = None
    python: str | None = None
    load_before: Number | None = None
    niceness: int | None = None
    scheduling: str | None = None
    gpus: Annotated[tuple[Gpu, ...], Field(strict=False)] | None = None
    cards: Annotated[tuple[Gpu, ...], Field(strict=False)] | None = None


def _range(launches: object) -> object:
    """Older campaigns have a single number of launches."""
    return (launches, launches) if isinstance(launches, int) else launches


class SuiteFacts(Facts):
    """The measured suite; the fields are those that are read from finished campaigns."""

    name: str | None = None
    title: str | None = None
    preset: str | None = None
    launches: Annotated[tuple[int, int], Field(strict=False), BeforeValidator(_range)] | None = None
    rounds: int | None = None
    budget: Number | None = None
    memory: Number | None = None
    largest_batch: bool | None = None
    fresh_interpreter: bool | None = None
    environment: dict[str, str] = {}
    time_limit: Number | None = None


class Variables(Facts):
    """The shell's variables and their effect on launches (bench.runner.metadata.environment)."""

    passed: Texts = ()
    choosing: dict[str, str] = {}
    inherited: dict[str, str] = {}
    dropped: Texts = ()


class Settings(Facts):
    """Cores that launches may use; the other keys are the variables of the steady setting."""

    cores: int | None = None


class Meters(Facts):
    """Names of loaded meters, and the reasons for absent ones."""

    present: Texts = ()
    absent: dict[str, str] = {}


class ContestantFacts(Facts):
    """`level`: "tuned", "idiomatic" or "published"; "" if one trick of several is left out; None where it is not said.

    `tuned`: the id of the contestant that it is, but without all or one of the tricks; None if it lacks none, and in
    campaigns that do not say.
    """

    title: str | None = None
    note: str | None = None
    level: str | None = None
    versions: dict[str, str] = {}
    environment: dict[str, str] = {}
    large_environment: dict[str, str] = {}
    tuned: str | None = None


class WorkloadFacts(Facts):
    """Facts of a workload from its network's table. `ceiling`: the peak rate that a probe measures, "macs" or "bytes".

    `variant_of`: the same network without a spatial pyramid; "" if there is none.
    """

    macs: Number | None = None
    traffic_bytes: Number | None = None
    memory_bytes: Number | None = None
    ceiling: str | None = None
    parameters: int | None = None
    layers: Texts = ()
    windows: int | None = None
    variant_of: str = ""


class LayerFacts(Facts):
    layer: str | None = None
    macs: Number | None = None
    weight_bytes: Number | None = None


Bins = str | Annotated[
    tuple[Annotated[tuple[Number, Number], Field(strict=False)], ...],
    Field(strict=False),
]  # fmt: skip
"""The ends of each bin on a side of the map, or the reason why a rule has none."""


class Pyramid(Facts):
    """The bins of each level on a side of a map, by rule and level."""

    side: Number | None = None
    levels: Annotated[tuple[int, ...], Field(strict=False)] = ()
    rules: dict[str, dict[str, Bins]] = {}


class RemainderFacts(Facts):
    """What more time would decide when a campaign ended: `decidable` of `undecided` ratios, in about `seconds`."""

    undecided: int | None = None
    decidable: int | None = None
    seconds: Number | None = None


class NodeFacts(Facts):
    """A machine of a fleet. `type`: nodes of one type are replicates; `environment`: digest of its software.

    `checks`: what `doctor` found there before it measured, other than good.
    """

    type: str = ""
    machine: Machine = Machine()
    environment: str = ""
    checks: Warnings = ()


class AttemptFacts(Facts):
    """An attempt at a unit of a fleet's campaign. `outcome`: "accepted", "late", "lost", "failed" or "refused".

    `seconds`: how long it took; None if that is not known. `reason`: of every outcome but "accepted".
    """

    unit: str = ""
    attempt: int = 0
    node: str = ""
    outcome: str = ""
    reason: str = ""
    seconds: Number | None = None


class System(Facts):
    """All of system.json. Times are in ISO 8601, `measuring_seconds` and `seconds` (of a reproduction) in seconds.

    `preparation_seconds` are of the parts of a campaign before its first block, "import" and "gate".
    Keyed by id: `rules`, `workloads`, `networks`, `contestants`, `nodes`; `parity_tolerances` by precision. `nodes` and
    `attempts` are of a campaign of a fleet (`fleet`), whose `machine` is that of one of its nodes.
    """

    campaign: str | None = None
    schema_version: int | None = Field(default=None, alias="schema")
    deadheat: str | None = None
    started: str | None = None
    finished: str | None = None
    command: str | None = None
    resumed: Texts = ()
    resumed_by: str | None = None
    suite: SuiteFacts = SuiteFacts()
    cases: Texts = ()
    workloads: dict[str, WorkloadFacts] = {}
    pyramids: Annotated[tuple[Pyramid, ...], Field(strict=False)] = ()
    networks: dict[str, Annotated[tuple[LayerFacts, ...], Field(strict=False)]] = {}
    reference: str | None = None
    machine: Machine = Machine()
    meters: Meters = Meters()
    cards_undescribed: str | None = None
    settings: Settings = Settings()
    environment: Variables | None = None
    contestants: dict[str, ContestantFacts] = {}
    parity_tolerances: dict[str, dict[str, Number]] = {}
    warnings: Warnings = ()
    stop: str | None = None
    rules: dict[str, str] = {}
    measuring_seconds: Number | None = None
    remainder: RemainderFacts | None = None
    preparation_seconds: dict[str, Number] = {}
    seconds: Number | None = None
    advice: Warnings | None = None
    nodes: dict[str, NodeFacts] = {}
    attempts: Annotated[tuple[AttemptFacts, ...], Field(strict=False)] = ()


def read(content: Mapping[str, Any]) -> tuple[System, tuple[str, ...]]:
    """The content of a system.json of this schema, and the problems: place, reason and value of each wrong type.

    Values of a wrong type are omitted. A list with a wrong item is omitted completely, as a part would look complete.
    """
    kept: dict[str, Any] = copy.deepcopy(dict(content))
    problems: list[str] = []
    while True:
        try:
            return System.model_validate(kept), tuple(problems)
        except ValidationError as found:
            wrong: dict[tuple[int | str, ...], str] = {}
            for error in found.errors(include_url=False):
                key = _key(kept, error["loc"])
                wrong.setdefault(key, f"{'.'.join(map(str, key))}: {error['msg']} (got {short(error['input'])})")
        problems += wrong.values()
        for key in sorted(wrong, key=len, reverse=True):
            _remove(kept, key)


def _key(content: object, place: Sequence[int | str]) -> tuple[int | str, ...]:
    """The path to the innermost value with a key on the way to `place`, which may end with the expected type."""
    end = 0
    for number, step in enumerate(place, 1):
        if isinstance(content, dict) and step in content:
            content, end = content[step], number
        elif isinstance(content, list) and isinstance(step, int):
            content = content[step]
        else:
            break
    return tuple(place[:end])


def _remove(content: Any, key: Sequence[int | str]) -> None:
    for step in key[:-1]:
        content = content[step]
    del content[key[-1]]


def system_of(content: Mapping[str, Any]) -> System:
    """The readable content of a system.json of this schema."""
    return read(content)[0]
