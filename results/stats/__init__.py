"""Estimates over launches, pairing, sequential stopping, change points."""
