"""Rows ready to print, one module for each section of a page."""
