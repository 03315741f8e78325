"""Sections about machines: what contestants use of them, their limits, their description."""
