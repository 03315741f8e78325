"""Sections about times: of steps, of parts of them, over sizes and batches."""
