"""What is installed is read once, however many ask."""

from __future__ import annotations

import importlib.metadata

import pytest

from bench.plan import software
from impls import installed
from impls.frameworks import Framework, frameworks


def test_the_owners_of_all_packages_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: asked.append(1) or {"numpy": ["numpy"]})
    for cache in (installed.owners, software.distributions):
        cache.cache_clear()
    try:
        for framework in frameworks().values():
            framework.versions()
        assert set(software.distributions(("numpy",))) >= {"numpy"}
        assert asked == [1]
        installed.owners.cache_clear()
        assert Framework("none", "needs nothing", "a:b", ()).versions() == {}
        assert asked == [1]
    finally:
        for cache in (installed.owners, software.distributions):
            cache.cache_clear()
