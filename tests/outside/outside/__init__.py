"""A package from outside the project: one architecture, one framework, found through entry points."""
