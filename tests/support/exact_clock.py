"""`python -m tests.support.exact_clock ARGUMENT...`: python -m bench, whose known clock is exact without a campaign."""

from __future__ import annotations

import runpy

from bench.validation import selftest

selftest.known_clock = lambda: []
runpy.run_module("bench", run_name="__main__", alter_sys=True)
