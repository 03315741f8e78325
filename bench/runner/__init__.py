"""Executes a plan: parity gate, passes of interleaved blocks, retries, stop rule."""
