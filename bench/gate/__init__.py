"""The parity gate: which contestants may be timed, by evidence from each of them."""
