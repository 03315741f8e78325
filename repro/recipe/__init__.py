"""Training recipes and test views, as data."""
