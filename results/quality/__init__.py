"""Interference, bimodality, drift and implausible times."""
