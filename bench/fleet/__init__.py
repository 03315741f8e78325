"""Campaigns measured by several machines: units of a suite, what a node does with one, and how parts are merged."""
