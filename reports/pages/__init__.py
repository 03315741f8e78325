"""Each page as one self-contained file."""
