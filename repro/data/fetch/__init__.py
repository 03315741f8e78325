"""Downloads of data sets, their digests and verification."""
