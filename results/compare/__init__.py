"""Comparisons across campaigns: two, many, two interpreters of one."""
