"""One seeded training."""
