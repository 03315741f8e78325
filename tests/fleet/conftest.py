from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _without_syncing():
    """What is written is not synced: no test here loses power, and a property test writes thousands of small files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield
