"""The papers' claims, one file a paper. To add a paper, add a file with a `Paper` at its top level."""
