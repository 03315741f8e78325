"""A column of a tidy table, and the columns that several tables share; each table (results.tables) says its own."""

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
    Column("size", "", "the size as people write it: 224, or 180x240 (height x width); of a stream its name"),
    Column(
        "stream", "", "what is done with images of many sizes, one step being all of them; empty where all are alike"
    ),
    Column("megapixels", "Mpx", "pixels of all images of a step, filled-up ones included"),
    Column("sizes", "", "different shapes of batches in a step"),
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
    Column(
        "peak_probe", "", "which ceiling the workload is there to find, macs or bytes a second; empty for a network"
    ),
    Column("setting", "", "how its process was set up: steady (allocator, threads, cores alike for all) or as-shipped"),
)

OUTCOME = (
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why a row is not measured"),
    Column("log", "", "file below the campaign's folder with what a failed launch had printed; empty: none is kept"),
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
    Column("parity_shows_nothing", "", "why these errors are no evidence of the same network; empty where they are"),
)

USAGE = (
    Column(
        "peak_rss_step_bytes",
        "bytes",
        "most memory of its own during a step, above the process with its framework imported",
    ),
    Column("peak_rss_launch_bytes", "bytes", "the same from building the model on: compiling and first calls included"),
    Column("allocator_bytes", "bytes", "largest that the framework's own allocator of the device had given out"),
    Column(
        "sustained_cpus_used", "cores", "processors' time of its own threads over the time of steps without a pause"
    ),
    Column("cpu_utilisation", "share", "sustained_cpus_used over the cores that it may use"),
    Column("package_watts", "W", "power of the processor's packages during those steps, all that they do"),
    Column("package_joules_per_image", "J/image", "energy of the processor's packages for an image"),
    Column("gpu_utilisation", "share", "of the time in which the card did anything at all (NVML)"),
    Column("gpu_memory_utilisation", "share", "of the time in which the card's memory was read or written (NVML)"),
    Column("gpu_watts", "W", "power of the card, mean over the sustained run (NVML)"),
    Column("gpu_joules_per_image", "J/image", "energy of the card for an image, from its counter (NVML)"),
    Column("gpu_clock_hz", "Hz", "clock of the card's multiprocessors, mean over the sustained run (NVML)"),
    Column("gpu_memory_clock_hz", "Hz", "clock of the card's memory, mean over the sustained run (NVML)"),
    Column("gpu_celsius", "°C", "temperature of the card, mean over the sustained run (NVML)"),
    Column(
        "gpu_throttled", "share", "of the moments at which the card had lowered its clocks for power or heat (NVML)"
    ),
    Column("gpu_foreign_processes", "", "most other processes that computed on the card meanwhile (NVML)"),
    Column("gpu_memory_bytes", "bytes", "most memory of the card that the process had, CUDA's own included (NVML)"),
)

MEMORY = Column(
    "memory_bytes",
    "bytes",
    "of a step where it is computed: peak_rss_step_bytes; on a card gpu_memory_bytes, else allocator_bytes",
)


@dataclass(frozen=True)
class DeviceColumns:
    """Which columns are of the device that computes: memory of a step (the first that is known), memory from building
    the model on, and energy."""

    step_memory: tuple[str, ...]
    launch_memory: str
    energy: str


_ON_CPU = DeviceColumns(("peak_rss_step_bytes",), "peak_rss_launch_bytes", "package_joules_per_image")
_ON_CARD = DeviceColumns(("gpu_memory_bytes", "allocator_bytes"), "memory_bytes", "gpu_joules_per_image")


def device_columns(device: str) -> DeviceColumns:
    """The columns for a workload's device."""
    return _ON_CPU if device == "cpu" else _ON_CARD


LIMITS = (
    Column("macs_per_second", "MAC/s", "multiply-accumulates of the table in a step, over its time"),
    Column(
        "fraction_of_peak",
        "share",
        "macs_per_second over the most that any contestant reached in this campaign's probes",
    ),
    Column(
        "macs_per_byte",
        "MAC/byte",
        "multiply-accumulates for each byte that a step must move (weights, images, scores)",
    ),
    Column("min_memory_bytes", "bytes", "least memory that the table says the step needs"),
)

TRIAL_IDS = (
    Column("reproduction", "", "folder of the reproduction"),
    Column("trial", "", "digest of all that the trial's outcome follows from"),
)
