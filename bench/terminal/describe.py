"""A network's table as text and as JSON."""

from __future__ import annotations

from typing import Any

from tabulate import tabulate

from impls.network import Architecture, Network, Row


def as_json(architecture: Architecture, network: Network) -> dict[str, Any]:
    """Everything that follows from the table. `parameters` are trainable; `statistics` are batch normalisation's."""
    return {
        "architecture": architecture.name,
        "title": architecture.title,
        "source": architecture.source,
        "deviations": list(architecture.deviations),
        "input_shape": list(network.input_shape),
        "classes": network.classes,
        "parameters": network.parameters,
        "statistics": network.statistic_count,
        "macs": network.macs,
        "connections": network.connections,
        "activation_bytes": network.activation_bytes(),
        "layers": [_layer(row) for row in network.rows],
    }


def _layer(row: Row) -> dict[str, Any]:
    return {
        "name": row.layer.name,
        "kind": type(row.layer).__name__,
        "output_shape": list(row.facts.output),
        "parameters": row.facts.parameters,
        "macs": row.facts.macs,
        "connections": row.facts.connections,
        "receptive_field": list(row.field) if row.field else None,
    }


def as_text(architecture: Architecture, network: Network) -> str:
    body = tabulate(
        [
            (
                row.layer.name,
                type(row.layer).__name__,
                _shape(row.facts.output),
                _count(row.facts.parameters),
                _count(row.facts.macs),
                _shape(row.field) if row.field else "all",
            )
            for row in network.rows
        ],
        headers=("layer", "kind", "output", "parameters", "MACs", "receptive field"),
        colalign=("left", "left", "right", "right", "right", "right"),
        disable_numparse=True,
    )
    totals = [
        ("parameters", network.parameters),
        ("batch statistics", network.statistic_count),
        ("multiply-accumulates", network.macs),
        ("connections", network.connections),
        ("activation bytes", network.activation_bytes()),
    ]
    return "\n".join(
        [
            f"{architecture.name}: {architecture.title}",
            f"source: {architecture.source}",
            f"input {_shape(network.input_shape)}, {network.classes} classes; all values are per image",
            "",
            body,
            "",
            *(f"{name:21} {value:>18,}" for name, value in totals if value),
            *(["", "deviations from the source:"] if architecture.deviations else []),
            *(f"- {deviation}" for deviation in architecture.deviations),
        ]
    )


def _shape(sides: tuple[int, ...]) -> str:
    return "x".join(map(str, sides))


def _count(value: int) -> str:
    return f"{value:,}" if value else ""
