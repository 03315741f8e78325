"""Networks that only benchmarks need."""
