"""Figures of trainings, of the reproduction page."""
