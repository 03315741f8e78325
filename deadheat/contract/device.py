"""The device that the contract and parity tests compute on: "cpu", or what DEADHEAT_TEST_DEVICE names."""

from __future__ import annotations

import os

from impls.frameworks import DEVICES
from impls.host import nvidia

VARIABLE = "DEADHEAT_TEST_DEVICE"
TESTED = os.environ.get(VARIABLE, "cpu")


def unusable(device: str = TESTED) -> str | None:
    """Why nothing can be tested on a device here, as one line; None if it can."""
    if device not in DEVICES:
        return f"{VARIABLE}={device} is no device; known: {', '.join(DEVICES)}"
    reason = nvidia.missing(device)
    return reason and f"{VARIABLE}={device}: {reason}; unset it to test on the CPU"
