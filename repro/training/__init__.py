"""One trial: a seeded training."""
