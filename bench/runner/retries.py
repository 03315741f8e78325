"""How often a contaminated block is run again."""

from __future__ import annotations

from dataclasses import dataclass

GIVE_UP_AFTER = 3
"""Blocks that stayed contaminated whatever was done, after which the disturbance is the machine's usual state."""


@dataclass
class RetryPolicy:
    """Up to `max_retries` times a block, and not at all while that has not helped lately: a flag costs nothing."""

    _in_vain: int = 0

    def should_retry(self, attempt: int, max_retries: int, contaminated: bool) -> bool:
        """Whether to run a block again, whose attempt of that number (from 0) was, or was not, contaminated."""
        if not contaminated:
            self._in_vain = 0
            return False
        if self._in_vain >= GIVE_UP_AFTER:
            return False
        if attempt < max_retries:
            return True
        self._in_vain += 1
        return False
