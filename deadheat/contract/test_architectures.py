"""What holds for every architecture that is listed."""

from __future__ import annotations

import numpy as np
import pytest

from impls.architectures import architectures, load_architecture
from impls.layers import Layer
from impls.network import Architecture


@pytest.fixture(params=architectures())
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return load_architecture(request.param)


def test_an_architecture_says_what_it_is(architecture: Architecture) -> None:
    assert architecture.name == architecture.name.lower()
    assert architecture.name.replace("-", "").isalnum()
    for text in (architecture.title, architecture.source):
        assert text.strip() == text != ""
        assert "\n" not in text


def test_deviations_are_sentences(architecture: Architecture) -> None:
    for deviation in architecture.deviations:
        assert len(deviation.split()) >= 4
        assert deviation.strip() == deviation
        assert not deviation.endswith(".")


def test_titles_are_unique() -> None:
    titles = [found.title for found in architectures().values()]
    assert len(set(titles)) == len(titles)


def test_the_default_network_fits_together(architecture: Architecture) -> None:
    network = architecture.at()
    assert network.input_shape == architecture.input_shape
    assert network.rows[-1].facts.output == (network.classes,)
    assert 0 < network.parameters <= sum(np.prod(shape, dtype=int) for shape in network.arrays.values())
    assert all(row.input == before.facts.output for before, row in zip(network.rows, network.rows[1:]))


def test_layer_names_are_unique_and_name_arrays(architecture: Architecture) -> None:
    network = architecture.at()
    names = [layer.name for layer in network.layers]
    assert len(set(names)) == len(names)
    assert all(name and "." not in name and " " not in name for name in names)
    assert {name.partition(".")[0] for name in (*network.arrays, *network.statistics)} <= set(names)
    assert not set(network.arrays) & set(network.statistics)


def test_a_table_knows_no_framework(architecture: Architecture) -> None:
    modules = {type(layer).__module__ for layer in architecture.at().layers}
    assert modules == {Layer.__module__}


def test_a_network_is_a_value(architecture: Architecture) -> None:
    """Equal networks are equal and hash alike, so that they can be keys; nothing in them changes."""
    assert architecture.at() == architecture.at()
    assert hash(architecture.at()) == hash(architecture.at())
