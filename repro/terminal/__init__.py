"""Verdicts and listings on the console."""
