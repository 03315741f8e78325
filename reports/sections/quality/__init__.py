"""Sections about how far the numbers can be trusted: parity, quality flags, cases that were not measured."""
