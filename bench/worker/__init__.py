"""Inside the measured process: requests, warm-up, parity evidence, precision probe."""
