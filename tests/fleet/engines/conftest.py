"""Tests with real engines run in an environment of their own: `tox -e fleet`."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("DEADHEAT_TEST_ENGINES") else ["test_*.py"]
