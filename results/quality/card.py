"""GPU flags: what the driver said of a launch's card right after its turns, independent of the launch's times.

A launch with one of these flags is not repeated: a process on the card, a power limit or a floating clock is a state
that lasts, not a disturbance that passes.
"""

from __future__ import annotations

import numpy as np

from results.quality import Detect, Flag, Flagged, in_each

CLOCK_SPREAD = 0.02


def _in_any_launch(name: str) -> Detect:
    """Detect cases of which a launch has a value above 0 in this column."""
    return in_each(lambda launches: bool((launches[name] > 0).any()))


def clock_spread(low: np.ndarray, high: np.ndarray) -> float:
    """Relative difference of the highest and lowest clock after any turn; 0 if they are unknown."""
    known = low > 0
    return float(high[known].max() / low[known].min()) - 1 if known.any() else 0.0


def _clocks(seen: Flagged) -> str:
    low, high = seen.launches.turn_clock_low_hz / 1e6, seen.launches.turn_clock_high_hz / 1e6
    each = [own.index for _, own in seen.launches.groupby(["case", "node"], sort=False, observed=True)]
    spread = max(clock_spread(low[own].to_numpy(), high[own].to_numpy()) for own in each)
    return (
        f"the GPU's clock differed by up to {spread:.1%} between turns of a case "
        f"({low.min():.0f} to {high.max():.0f} MHz; limit: {CLOCK_SPREAD:.0%})"
    )


def _slowed(seen: Flagged) -> str:
    why = "; ".join(text for text in dict.fromkeys(seen.launches.turn_slowed_by) if isinstance(text, str) and text)
    return (
        f"the GPU had lowered its clocks after up to {seen.launches.turn_slowed.max():.0%} of a launch's turns: {why}"
    )


GPU_SHARED = Flag(
    name="gpu_shared",
    meaning="other processes computed on the same GPU",
    detect=_in_any_launch("turn_foreign_processes"),
    describe=lambda seen: (
        f"up to {seen.launches.turn_foreign_processes.max():.0f} other compute processes were on the GPU between turns"
    ),
    hint="stop them (nvidia-smi lists them) or choose a free GPU (CUDA_VISIBLE_DEVICES); repeat these cases with -k",
)
GPU_THROTTLED = Flag(
    name="gpu_throttled",
    meaning="its GPU had lowered its clocks because of power or temperature",
    detect=_in_any_launch("turn_slowed"),
    describe=_slowed,
    hint="lock a clock that it can hold (nvidia-smi -lgc MHZ), raise its power limit (nvidia-smi -pl WATTS) or cool it",
)
GPU_CLOCK = Flag(
    name="gpu_clock",
    meaning=f"the clock of its GPU differed by more than {CLOCK_SPREAD:.0%} between turns",
    detect=in_each(
        lambda launches: clock_spread(launches["turn_clock_low_hz"], launches["turn_clock_high_hz"]) > CLOCK_SPREAD
    ),
    describe=_clocks,
    hint="keep the driver loaded (nvidia-smi -pm 1) and lock the clock (nvidia-smi -lgc MHZ); undo it with -rgc",
)
