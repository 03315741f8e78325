"""Download of data sets: a file under its final name is complete and has the published checksum."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pooch  # type: ignore[import-untyped]

from impls.errors import Unavailable
from repro.data.catalogue import load_source
from repro.data.errors import DownloadFailed
from repro.data.fetch.unpacking import unpack
from repro.data.fetch.verification import file_checksum
from repro.data.places import VARIABLE, download_folder
from repro.data.source import DataFile, Source

CHUNK = 1 << 20  # bytes
TIMEOUT = 30  # seconds without a byte


def download(name: str, base_url: str | None = None) -> Path:
    """Download the missing files of a data set; returns its folder. `base_url`: a mirror's folder.

    UnknownName; Unavailable if the data set can't be downloaded; DownloadFailed with the file's name otherwise.
    """
    source = load_source(name)
    if not source.files:
        raise Unavailable(f"{source.title} can't be downloaded: {source.install}; then --data {name}=PATH")
    folder = download_folder(name)
    for file in source.files:
        if file.unpacks and file.is_in(folder):
            continue
        _fetch(source, file, folder, f"{base_url.rstrip('/')}/{file.name}" if base_url else file.url)
        if file.unpacks:
            unpack(file, folder)
    return folder


def _fetch(source: Source, file: DataFile, folder: Path, url: str) -> None:
    import requests  # slow to import, and only needed here

    pooch.get_logger().setLevel("WARNING")  # the caller reports progress
    try:
        _discard_wrong(folder / file.name, file.checksum)
        pooch.retrieve(url, file.checksum, file.name, folder, downloader=_Checked(file))
    except requests.HTTPError as problem:
        raise _failed(source, file, f"the server says {problem}") from None
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
        host = urlsplit(url).netloc
        raise _failed(source, file, f"no connection to {host}, or it broke off; is there a network?") from None
    except requests.RequestException as problem:
        raise _failed(source, file, f"{url}: {problem}") from None
    except OSError as problem:
        raise DownloadFailed(f"{file.name} can't be written into {folder}: {problem.strerror or problem}") from None


class _Checked:
    """Downloads into Pooch's temporary file; a checksum error is one line, and the connection is closed."""

    def __init__(self, file: DataFile):
        self._file = file

    def __call__(self, url: str, output: str, pool: object) -> None:
        import requests

        # requests would unpack a compressed response: identity requests the file's own bytes
        plain = {"Accept-Encoding": "identity"}
        with requests.get(url, stream=True, timeout=TIMEOUT, headers=plain) as answer, open(output, "wb") as file:
            answer.raise_for_status()
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
        got = file_checksum(Path(output), self._file.checksum)
        if got != self._file.checksum:
            size = Path(output).stat().st_size
            raise DownloadFailed(
                f"{self._file.name} from {url} is not the published file: expected {self._file.checksum}, got {got} "
                f"({size} bytes); nothing is kept of it; try again or another mirror"
            )


def _discard_wrong(path: Path, checksum: str) -> None:
    """Remove a wrong file of an earlier program, so that it is not used after a failure."""
    if path.is_file() and file_checksum(path, checksum) != checksum:
        path.unlink()


def _failed(source: Source, file: DataFile, reason: str) -> DownloadFailed:
    return DownloadFailed(
        f"{file.name} can't be downloaded: {reason}; or get the files of {source.title} yourself and give their "
        f"folder with --data {source.name}=PATH, or put it at ${VARIABLE}/{source.name}"
    )
