"""How often intervals of ratios hold the true ratio, by simulation: `python -m bench.validation.coverage`.

The intervals of results.stats.moderation were chosen by this comparison. docs/method.md has its results.
"""
