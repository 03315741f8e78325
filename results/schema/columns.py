"""Columns of tidy tables: the class, and the columns that several tables share (others: results.tables)."""

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
    Column("size", "", "image size: 224, or 180x240 (height x width); of a stream, its name"),
    Column(
        "stream", "", "how images of several sizes are batched (a step is the whole stream); empty if all have one size"
    ),
    Column("megapixels", "Mpx", "pixels of all images of a step, padding included"),
    Column("sizes", "", "number of distinct batch shapes in a step"),
    Column("channels", "", "channels of the images"),
    Column("classes", "", "number of scores per image"),
    Column("batch", "images", "images per step"),
    Column("precision", "", "arithmetic: float32 is IEEE single precision, TF32 off"),
    Column("device", "", "cpu or cuda"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("contestant", "", "framework:execution, with @interpreter and +setting if they are not the default"),
    Column("framework", "", "framework of the contestant"),
    Column("execution", "", "execution of the contestant"),
    Column("interpreter", "", "label of the Python interpreter that ran it; empty for the default one"),
    Column("peak_probe", "", "which peak rate the workload measures, macs or bytes (per second); empty for a network"),
    Column(
        "setting", "", "setting of its process: steady (the same allocator, threads and cores for all) or as-shipped"
    ),
    Column("devices", "", "devices that a step is divided over, each with an equal part of the batch"),
)

OUTCOME = (
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why the row was not measured"),
    Column(
        "log", "", "output of a failed launch, as a path relative to the campaign's folder; empty if none is stored"
    ),
)

PARITY = (
    Column(
        "parity_scores",
        "relative",
        "largest deviation of one of the first scores, or of the signature of all, from the contestants' median",
    ),
    Column("parity_loss", "relative", "deviation of the loss from the contestants' median"),
    Column(
        "parity_gradients",
        "relative",
        "largest deviation of a gradient's signature from the median, relative to its norm",
    ),
    Column("parity_worst_gradient", "", "array with the largest deviation of its gradient; empty if it has none"),
    Column("parity_contestants", "", "number of contestants in the median"),
    Column("parity_shows_nothing", "", "why these errors are no evidence of the same network; empty if they are"),
    Column(
        "parity_cleared",
        "",
        "in what its errors were within the tolerance when it was examined again; empty: at first, or not at all",
    ),
    Column(
        "parity_evidence_from", "", "when the contestant's evidence was computed (UTC); empty: in the same campaign"
    ),
    Column(
        "parity_identity", "", "on a GPU, the precision in which its network was proved to be equal, besides its own"
    ),
)

USAGE = (
    Column(
        "peak_rss_step_bytes",
        "bytes",
        "peak resident memory during a step, above that of the process with its framework imported",
    ),
    Column("peak_rss_launch_bytes", "bytes", "the same from building the model on, compiling and first calls included"),
    Column("allocator_bytes", "bytes", "peak memory allocated by the framework's allocator on the device"),
    Column(
        "sustained_cpus_used",
        "cores",
        "CPU time of its threads per second of the sustained run (steps without a pause)",
    ),
    Column("cpu_utilisation", "share", "sustained_cpus_used over the number of cores that it may use"),
    Column("package_watts", "W", "power of the CPU packages during the sustained run, other processes included"),
    Column("package_joules_per_image", "J/image", "energy of the CPU packages per image"),
    Column("gpu_utilisation", "share", "of the time in which the GPU executed at least one kernel (NVML)"),
    Column("gpu_memory_utilisation", "share", "of the time in which GPU memory was read or written (NVML)"),
    Column("gpu_watts", "W", "power of the GPU, mean over the sustained run (NVML)"),
    Column(
        "gpu_joules_per_image",
        "J/image",
        "energy of the GPU per image, its power when idle included (idle_watts in system.json); from its energy "
        "counter, which advances about every 0.1 s and is read as it advances (NVML)",
    ),
    Column("gpu_clock_hz", "Hz", "clock of the GPU's multiprocessors, mean over the sustained run (NVML)"),
    Column("gpu_memory_clock_hz", "Hz", "clock of the GPU's memory, mean over the sustained run (NVML)"),
    Column("gpu_celsius", "°C", "temperature of the GPU, mean over the sustained run (NVML)"),
    Column(
        "gpu_throttled",
        "share",
        "of samples in which the GPU had reduced its clocks because of power or temperature (NVML)",
    ),
    Column("gpu_foreign_processes", "", "largest number of other compute processes on the GPU during the run (NVML)"),
    Column(
        "gpu_memory_bytes",
        "bytes",
        "GPU memory that the process holds at most, by the driver: its allocator's pool since its start, autotuning "
        "and CUDA's own included, which is more than a step needs (NVML)",
    ),
)

CARD = (
    Column("turn_clock_low_hz", "Hz", "lowest clock of the GPU's multiprocessors right after one of its turns (NVML)"),
    Column(
        "turn_clock_high_hz", "Hz", "highest clock of the GPU's multiprocessors right after one of its turns (NVML)"
    ),
    Column("turn_slowed", "share", "of its turns after which the GPU had lowered its clocks (NVML)"),
    Column("turn_slowed_by", "", "why it had: power, temperature or the hardware; empty if it had not, or is unknown"),
    Column(
        "turn_foreign_processes",
        "",
        "largest number of other compute processes on the GPU right after one of its turns (NVML)",
    ),
)
"""What a launch's GPU did between its turns; empty on the CPU."""

MEMORY = Column(
    "memory_bytes",
    "bytes",
    "memory of a step on its device: peak_rss_step_bytes; on a GPU allocator_bytes",
)


@dataclass(frozen=True)
class DeviceColumns:
    """The columns of one device: memory of a step, memory from building the model on, and energy."""

    step_memory: str
    launch_memory: str
    energy: str


_ON_CPU = DeviceColumns("peak_rss_step_bytes", "peak_rss_launch_bytes", "package_joules_per_image")
_ON_CARD = DeviceColumns("allocator_bytes", "memory_bytes", "gpu_joules_per_image")


def device_columns(device: str) -> DeviceColumns:
    """The columns for a workload's device."""
    return _ON_CPU if device == "cpu" else _ON_CARD


LIMITS = (
    Column("macs_per_second", "MAC/s", "multiply-accumulates of a step, by the network's table, over its time"),
    Column(
        "fraction_of_peak",
        "share",
        "macs_per_second over the highest rate that any contestant reached in this campaign's probes",
    ),
    Column(
        "macs_per_byte",
        "MAC/byte",
        "multiply-accumulates per byte that a step must move (weights, images, scores)",
    ),
    Column("min_memory_bytes", "bytes", "minimum memory of the step by the network's table"),
)

TRIAL_IDS = (
    Column("reproduction", "", "folder of the reproduction"),
    Column("trial", "", "digest of everything that determines the trial's outcome"),
)
