"""Everything decided before a process starts: suites, cases, streams, settings, interpreters."""
