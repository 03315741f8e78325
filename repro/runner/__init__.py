"""Which trials run, where, side by side; results are kept as they end."""
