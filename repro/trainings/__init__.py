"""The experiments behind the papers' training claims, a file a paper."""
