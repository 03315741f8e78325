"""Each framework with other ways to compute a spatial pyramid: `networks.pyramids` times the layer."""
