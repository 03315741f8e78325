"""Rows in, SVG out; nothing here reads a campaign."""
