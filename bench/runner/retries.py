"""Retries of contaminated blocks."""

from __future__ import annotations

from dataclasses import dataclass

GIVE_UP_AFTER = 3
"""Blocks in a row that stay contaminated after all retries, after which the disturbance counts as permanent."""


@dataclass
class RetryPolicy:
    """Up to `max_retries` retries per block; none after GIVE_UP_AFTER blocks in a row without success."""

    _in_vain: int = 0

    def should_retry(self, attempt: int, max_retries: int, contaminated: bool) -> bool:
        """Whether to repeat a block after attempt number `attempt` (from 0)."""
        if not contaminated:
            self._in_vain = 0
            return False
        if self._in_vain >= GIVE_UP_AFTER:
            return False
        if attempt < max_retries:
            return True
        self._in_vain += 1
        return False
