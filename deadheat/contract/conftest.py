"""Fixtures of the contract tests."""

from deadheat.contract.fixtures import ask, children

__all__ = ["ask", "children"]
