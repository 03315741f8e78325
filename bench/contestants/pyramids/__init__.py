"""Alternative implementations of the spatial pyramid per framework, timed with bench.networks.pyramids."""
