"""Frameworks that only benchmarks need."""
