"""What papers claim: claims as data, data sets, trials, verdicts."""
