"""Sections about ratios between contestants."""
