"""Tidy DataFrames, one module for each kind of row."""
