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
    Column("warmup_converged", "", "whether its warm-up had settled; empty: too few rounds to tell"),
    Column("pinned_threads", "", "how many of its threads were bound to a core each; empty: all were left alone"),
    Column("other_cpus_used", "cores", "processors' time of other processes during its rounds"),
    Column("steal", "share", "of its cores' time, taken by the hypervisor for others"),
    Column("pressure", "share", "of the time, in which anything on the machine waited for a core"),
    Column("process_cpus_used", "cores", "processors' time of its own threads during its rounds"),
    Column("major_faults", "", "times that memory had to come from a disk during its rounds"),
    Column("runnable", "tasks", "tasks running or ready to, on the whole machine, mean over its rounds"),
    Column("throttled", "share", "of its cores' time, withheld as a CPU quota was used up; empty: no quota is set"),
    Column("throttled_periods", "", "periods of that quota in which it was used up"),
    Column("device_seconds", "s/step", "median of the launch's rounds by the device's own clock"),
    Column("effective_precision", "", "what its products were seen to be computed in, whatever was asked for"),
    Column("compilations", "", "how often its steps were traced or compiled"),
    Column("fallback", "", "why it went on in another way than it was asked to execute in"),
    *USAGE,
    Column("allocator_source", "", "which figure of the framework's allocator_bytes is, and since when"),
    Column("usage_missing", "", "why quantities of these are empty"),
    *PARITY,
)

CASE = (
    *WORKLOAD,
    *OUTCOME,
    Column("launches", "", "launches measured and counted"),
    Column("repeated_launches", "", "launches that were contaminated and made again"),
    Column("seconds", "s/step", "geometric mean of the launches' medians"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval over launches"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval over launches"),
    Column("images_per_second", "images/s", "batch over seconds"),
    Column("images_per_second_low", "images/s", "lower end of its interval"),
    Column("images_per_second_high", "images/s", "upper end of its interval"),
    Column("first_call_seconds", "s", "longest first step of its launches: tracing and compiling, none of it before"),
    Column("compilations", "", "most that a launch traced or compiled its steps"),
    Column("fallback", "", "why a launch went on in another way than it was asked to execute in"),
    Column("reference", "", "the contestant that the ratio is to"),
    Column("ratio", "", "time over the reference's, paired by block: below 1 is faster"),
    Column("ratio_low", "", "lower end of its 95 % interval over blocks"),
    Column("ratio_high", "", "upper end of its 95 % interval over blocks"),
    Column("pairs", "", "blocks that the ratio is from"),
    Column("verdict", "", "faster, slower, dead heat (the interval lies within 2 % of 1) or unclear"),
    Column("launches_needed", "", "of an unclear verdict: launches, all told, that would settle it"),
    Column("subsets", "", "parts in which the group was measured, since it did not fit in memory together"),
    Column(
        "quality_flags",
        "",
        "what to know before believing it: see results.quality.health.flags and results.quality.plausibility.doubts",
    ),
    Column("other_cpus_used", "cores", "processors' time of other processes during its rounds, mean over its launches"),
    Column(
        "process_cpus_used", "cores", "processors' time of its own threads during its rounds, mean over its launches"
    ),
    Column("device_seconds", "s/step", "geometric mean of its launches by the device's own clock"),
    Column("effective_precision", "", "what its products were seen to be computed in, whatever was asked for"),
    *LIMITS,
    MEMORY,
    *USAGE,
    Column("allocator_source", "", "which figure of the framework's allocator_bytes is, and since when"),
    Column("usage_missing", "", "why quantities of these are empty"),
    *PARITY,
)

DERIVED = (
    Column("campaign", "", "folder of the campaign"),
    Column("network", "", "the workload without its phase"),
    Column("contestant", "", "framework:execution"),
    Column("component", "", "forward, backward (gradient less forward) or update (train less gradient)"),
    Column("seconds", "s/step", "mean time of the part"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval (Welch)"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval (Welch)"),
)

LARGEST = (
    Column("campaign", "", "folder of the campaign"),
    Column("architecture", "", "name of the network's table"),
    Column("size", "", "size of the images"),
    Column("precision", "", "arithmetic"),
    Column("device", "", "cpu or cuda"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("contestant", "", "framework:execution"),
    Column("memory_bytes", "bytes", "memory that a launch might take"),
    Column("largest_batch", "images", "largest batch that ran within it"),
    Column("peak_rss_launch_bytes", "bytes", "what that one took, building and first call included"),
    Column("smallest_failing_batch", "images", "smallest batch tried that did not"),
    Column("failure", "", "what became of that one"),
)

STREAM = (
    Column("campaign", "", "folder of the campaign"),
    Column("group", "", "id of the workload"),
    Column("architecture", "", "name of the network's table"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("device", "", "cpu or cuda"),
    Column("stream", "", "what is done with images of many sizes"),
    Column("contestant", "", "framework:execution"),
    Column("images", "images", "images of the stream"),
    Column("sizes", "", "different shapes of batches that come of them"),
    Column("megapixels", "Mpx", "pixels of all its images, filled-up ones included"),
    Column("cold_images_per_second", "images/s", "the first time through, tracing, compiling and tuning included"),
    Column("images_per_second", "images/s", "when warm"),
    Column("compilations", "", "how often steps were traced or compiled"),
    Column("fallback", "", "why it went on in another way than it was asked to execute in"),
    Column(
        "memory_bytes",
        "bytes",
        "most memory from building the model on, as peak_rss_launch_bytes; on a card as memory_bytes",
    ),
    Column("eager", "", "the first execution of the same framework that compiled nothing, measured on the same stream"),
    Column(
        "break_even_images",
        "images",
        "images after which all its time is less than eager's; infinite: never; empty: its launches don't show a gain",
    ),
    Column("break_even_seconds", "s", "time of running until then, the first time through included"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why a row is not measured"),
)

SWITCH = (
    Column("campaign", "", "folder of the campaign"),
    Column("architecture", "", "name of the network's table"),
    Column("stream", "", "which sizes come by turns"),
    Column("images", "images", "images of the stream, one a batch"),
    Column("precision", "", "arithmetic"),
    Column("device", "", "cpu or cuda"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("contestant", "", "framework:execution"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why a row is not measured: by turns, or staying at one of its sizes"),
    Column("seconds", "s", "geometric mean time of the stream by turns, when warm"),
    Column("staying_seconds", "s", "the same of as many images of each size from streams that stay at one"),
    Column("switching_ratio", "", "the former over the latter, paired by pass; 1: going back and forth costs nothing"),
    Column("switching_ratio_low", "", "lower end of its 95 % interval over passes"),
    Column("switching_ratio_high", "", "upper end of its 95 % interval over passes"),
    Column("passes", "", "passes in which all of them were measured"),
)

WINDOWS = (
    Column("campaign", "", "folder of the campaign"),
    Column("contestant", "", "framework:execution"),
    Column("network", "", "name of the table that pools windows from one map"),
    Column("windows", "", "windows of an image"),
    Column("size", "", "size of that image"),
    Column("each_network", "", "name of the table that takes a forward pass for each window"),
    Column("each_stream", "", "the windows as its images: squares of one side"),
    Column("shared_seconds", "s", "time with features computed once"),
    Column("each_seconds", "s", "time with a forward pass for each window, ten at a time"),
    Column("speed_up", "", "the latter over the former"),
)

LAYER = (
    Column("campaign", "", "folder of the campaign"),
    Column("network", "", "name of the network's table"),
    Column("size", "", "size of the network's images"),
    Column("batch", "images", "images per step"),
    Column("precision", "", "arithmetic"),
    Column("device", "", "cpu or cuda"),
    Column("phase", "", "infer, forward or gradient"),
    Column("contestant", "", "framework:execution"),
    Column("layer", "", "name of the layer that was timed alone; in the order of the table"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why a row is not measured"),
    Column("seconds", "s/step", "geometric mean time of the layer alone over launches"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval"),
    Column("whole_seconds", "s/step", "the same of the whole network's step in the same phase"),
    Column("share", "", "time over that of the whole step, paired by pass: they don't run side by side"),
    Column("share_low", "", "lower end of its 95 % interval over passes"),
    Column("share_high", "", "upper end of its 95 % interval over passes"),
    Column("passes", "", "passes in which both were measured"),
    Column("sum_share", "", "all layers' times together over the whole step's; empty unless all were measured"),
    Column("sum_share_low", "", "lower end of its 95 % interval over passes"),
    Column("sum_share_high", "", "upper end of its 95 % interval over passes"),
)

_TRIAL_IDS = (
    Column("reproduction", "", "folder of the reproduction"),
    Column("trial", "", "digest of all that the trial's outcome follows from"),
)
TRIAL = (
    *_TRIAL_IDS,
    Column("network", "", "name of the network's table"),
    Column("data", "", "name of the data set"),
    Column("framework", "", "where it was trained"),
    Column("execution", "", "how the framework ran it"),
    Column("device", "", "cpu or cuda"),
    Column("seed", "", "decides images, order, first weights, augmentation and dropout; 0 chooses learning rates"),
    Column("outcome", "", "finished, diverged, out_of_memory, crashed or failed"),
    Column("reason", "", "why it is not finished"),
    Column("test_error", "", "share of all test images that were taken for another class at the end"),
    Column("training_error", "", "the same of training images, without augmentation, at the last measurement"),
    Column("passes", "", "passes over the training images"),
    Column("images", "images", "training images seen, with repetition"),
    Column("seconds", "s", "time on one core, measuring included, pauses left out"),
)
POINT = (
    *_TRIAL_IDS,
    Column("seed", "", "as of the trial"),
    Column("passes", "", "passes done"),
    Column("images", "images", "training images seen, with repetition"),
    Column("learning_rate", "", "of the pass"),
    Column("loss", "nats", "mean training loss since the measurement before, dropout included"),
    Column("training_error", "", "share of wrong ones among the same training images each time"),
    Column("test_error", "", "share of wrong ones among the same test images each time"),
)
CLAIM = (
    Column("reproduction", "", "folder of the reproduction"),
    Column("claim", "", "id of the claim"),
    Column("paper", "", "title of its paper"),
    Column("kind", "", "structural, training or speed"),
    Column("claim_verdict", "", "supported, contradicted, inconclusive or not testable here: of the claim as a whole"),
    Column("statement", "", "what was compared; missing where a claim rests on no comparison of trials"),
    Column("unit", "", "of value, low and high"),
    Column("value", "as unit says", "mean over seeds"),
    Column("low", "as unit says", "lower end of its 95 % interval over seeds"),
    Column("high", "as unit says", "upper end"),
    Column("pairs", "", "seeds that both arms have"),
    Column("verdict", "", "of this comparison"),
    Column("seeds", "", "least number of seeds that a comparison of the claim rests on"),
    Column("scale", "", "how large the trials were"),
    Column("evidence", "", "all of it in one line"),
)

TABLES = {
    "launches": LAUNCH,
    "cases": CASE,
    "split": DERIVED,
    "largest": LARGEST,
    "streams": STREAM,
    "switches": SWITCH,
    "windows": WINDOWS,
    "layers": LAYER,
    "trials": TRIAL,
    "curves": POINT,
    "claims": CLAIM,
}
