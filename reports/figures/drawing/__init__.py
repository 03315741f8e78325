"""Shared by all figures: canvas, SVG output, selection of figures."""
