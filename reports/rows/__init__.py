"""Rows ready to print, from which sections and pages are made."""
