"""The columns of the tidy tables: name, unit and meaning, in one place; docs/results.md is made from this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    name: str
    unit: str
    meaning: str


WORKLOAD = (
    Column("campaign", "", "folder of the campaign"),
    Column("case", "", "workload and contestant in one id, as in the test's name"),
    Column("group", "", "id of the workload: rows with the same group may be compared"),
    Column("architecture", "", "name of the network's table"),
    Column("height", "pixels", "height of the images"),
    Column("width", "pixels", "width of the images"),
    Column("size", "", "the size as people write it: 224, or 180x240 (height x width)"),
    Column("channels", "", "channels of the images"),
    Column("classes", "", "number of scores per image"),
    Column("batch", "images", "images per step"),
    Column("precision", "", "arithmetic: float32 is IEEE single precision, TF32 off"),
    Column("device", "", "cpu or cuda"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("contestant", "", "framework:execution, with @interpreter and +setting where they are not the usual ones"),
    Column("framework", "", "framework alone"),
    Column("execution", "", "execution alone"),
    Column("interpreter", "", "label of the Python that ran it; empty when there is one"),
    Column("setting", "", "how its process was set up: steady (allocator and threads alike for all) or as-shipped"),
)

OUTCOME = (
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why a row is not measured"),
)

PARITY = (
    Column(
        "parity_scores",
        "relative",
        "largest difference of a score from the contestants' median, over the largest score",
    ),
    Column("parity_loss", "relative", "difference of the loss from the contestants' median"),
    Column(
        "parity_gradients", "relative", "largest difference of a gradient's signature from the median, over its norm"
    ),
    Column("parity_worst_gradient", "", "the array whose gradient differs most"),
    Column("parity_contestants", "", "contestants in the median"),
)

LAUNCH = (
    *WORKLOAD,
    Column("launch", "", "number of the launch (of the block), from 0"),
    Column("subset", "", "which part of a group that did not fit in memory together; ratios pair within one"),
    Column("attempt", "", "how often this launch had been made before, and was contaminated; the last attempt counts"),
    *OUTCOME,
    Column("seconds", "s/step", "median of the launch's rounds"),
    Column("rounds", "", "counted rounds"),
    Column("steps", "", "steps in a round"),
    Column("first_call_seconds", "s", "the first step: tracing and compiling included"),
    Column("build_seconds", "s", "building the model and loading its weights"),
    Column("start_seconds", "s", "from asking for the process until it answers"),
    Column("started", "UTC", "when the launch began"),
    Column("steady", "", "whether its warm-up had settled; empty: too few rounds to tell"),
    Column("foreign_cores", "cores", "processors' time of other processes during its rounds"),
    Column("steal", "share", "of its cores' time, taken by the hypervisor for others"),
    Column("pressure", "share", "of the time, in which anything on the machine waited for a core"),
    Column("own_cores", "cores", "processors' time of its own threads during its rounds"),
    Column("major_faults", "", "times that memory had to come from a disk during its rounds"),
    Column("runnable", "tasks", "tasks running or ready to, on the whole machine, mean over its rounds"),
    *PARITY,
)

CASE = (
    *WORKLOAD,
    *OUTCOME,
    Column("launches", "", "launches measured and counted"),
    Column("superseded", "", "launches that were contaminated and made again"),
    Column("seconds", "s/step", "geometric mean of the launches' medians"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval over launches"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval over launches"),
    Column("images_per_second", "images/s", "batch over seconds"),
    Column("images_per_second_low", "images/s", "lower end of its interval"),
    Column("images_per_second_high", "images/s", "upper end of its interval"),
    Column("first_call_seconds", "s", "longest first step of its launches: tracing and compiling, caches empty"),
    Column("reference", "", "the contestant that the ratio is to"),
    Column("ratio", "", "time over the reference's, paired by block: below 1 is faster"),
    Column("ratio_low", "", "lower end of its 95 % interval over blocks"),
    Column("ratio_high", "", "upper end of its 95 % interval over blocks"),
    Column("pairs", "", "blocks that the ratio is from"),
    Column("verdict", "", "faster, slower, dead heat (the interval lies within 2 % of 1) or unclear"),
    Column("launches_needed", "", "of an unclear verdict: launches, all told, that would settle it"),
    Column("subsets", "", "parts in which the group was measured, since it did not fit in memory together"),
    Column("cautions", "", "what to know before believing it: foreign_cpu, steal, unsteady, paging, two_kinds, drift"),
    Column("foreign_cores", "cores", "processors' time of other processes during its rounds, mean over its launches"),
    Column("own_cores", "cores", "processors' time of its own threads during its rounds, mean over its launches"),
    *PARITY,
)

DERIVED = (
    Column("campaign", "", "folder of the campaign"),
    Column("network", "", "the workload without its phase"),
    Column("contestant", "", "framework:execution"),
    Column("part", "", "forward, backward (gradient less forward) or update (train less gradient)"),
    Column("seconds", "s/step", "mean time of the part"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval (Welch)"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval (Welch)"),
)

TABLES = {"launches": LAUNCH, "cases": CASE, "split": DERIVED}
