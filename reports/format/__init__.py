"""Numbers, words, ids and commands as they are printed."""
