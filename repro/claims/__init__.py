"""A claim as data, and how trials become a verdict."""
