"""Checks of the machine and of the harness: doctor, A/A pairs, injected slowdowns, known clock, other tools."""
