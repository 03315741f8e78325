"""Campaigns of made-up records, on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from made_up import SYSTEM, lively_records

from reports import page
from results.record import Record
from results.store import Campaign, CampaignWriter, read_campaign


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def write_campaign(data: Path) -> Callable[..., Campaign]:
    """Write records as a campaign and read it back."""

    def write(records: Iterable[Record], name: str = "2026-11-22-lively", system: object = SYSTEM) -> Campaign:
        writer = CampaignWriter.create(data, name, system)
        writer.append(records)
        writer.close()
        return read_campaign(writer.folder)

    return write


@pytest.fixture(scope="session")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Everything at once, two unreadable lines among it; for reading only."""
    writer = CampaignWriter.create(tmp_path_factory.mktemp("data"), "2026-11-22-lively", SYSTEM)
    writer.append(lively_records())
    writer.close()
    with (writer.folder / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"cut off": \n{"schema": 99}\n')
    return read_campaign(writer.folder)


@pytest.fixture(scope="session")
def lively_page(lively: Campaign) -> str:
    return page.render([lively])
