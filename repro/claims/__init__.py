"""Claims as data, and verdicts from trials."""
