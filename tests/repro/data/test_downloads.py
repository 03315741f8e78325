"""Downloads from a server of the test's own."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from impls.errors import Unavailable, UnknownName
from repro.data import DataFile, Dataset, DownloadFailed, Source, catalogue, download, find, verify
from repro.data.places import download_folder

CONTENT = {"a.bin": b"first" * 1000, "b.bin": b"second" * 1000}


class Server(ThreadingHTTPServer):
    """Serves `files`; `promised` bytes more than there are, and then hangs up, if that is not 0."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(CONTENT)
        self.promised = 0
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.removeprefix("/data/")
        self.server.asked.append(name)
        if name not in self.server.files:
            self.send_error(404)
            return
        content = self.server.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) + self.server.promised))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: what pytest prints is for the tests."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server, and a data set "made-up" of two files with their checksums (one by MD5, one by SHA-256)."""
    checksums = {"a.bin": "md5", "b.bin": "sha256"}

    def read(folder: Path) -> Dataset:
        raise NotImplementedError

    with Server() as server:
        files = tuple(
            DataFile(name, f"{server.url}/{name}", f"{kind}:{hashlib.new(kind, CONTENT[name]).hexdigest()}")
            for name, kind in checksums.items()
        )
        made = Source("made-up", "Made Up", 2, 1, read, files, (), "python -m repro download made-up")
        known = {"made-up": made, "imagenet": catalogue.load_source("imagenet")}
        monkeypatch.setattr(catalogue, "sources", lambda: known)
        monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.delenv("DEADHEAT_DATA", raising=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def left() -> list[str]:
    """Every file of the download folder, under whatever name."""
    return sorted(found.name for found in download_folder("made-up").glob("*"))


def test_download_is_found_and_not_fetched_twice(server: Server) -> None:
    folder = download("made-up")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    assert find("made-up") == folder
    assert download("made-up") == folder
    assert server.asked == ["a.bin", "b.bin"]


@pytest.mark.parametrize("end", ["", "/"])
def test_mirror(server: Server, end: str) -> None:
    assert download("made-up", f"{server.url}{end}").is_dir()
    assert left() == ["a.bin", "b.bin"]


def test_tampered_file_is_not_kept(server: Server) -> None:
    server.files["b.bin"] = b"tampered"
    with pytest.raises(DownloadFailed) as raised:
        download("made-up")
    expected, got = (hashlib.sha256(content).hexdigest() for content in (CONTENT["b.bin"], b"tampered"))
    assert str(raised.value).startswith(
        f"b.bin from {server.url}/b.bin is not the published file: expected sha256:{expected}, got sha256:{got} "
    )
    assert "\n" not in str(raised.value)
    assert left() == ["a.bin"]


def test_file_without_its_end_is_not_kept(server: Server) -> None:
    server.promised = 10
    with pytest.raises(DownloadFailed, match=r"^a.bin can't be downloaded: .*broke off.*--data made-up=PATH") as raised:
        download("made-up")
    assert "\n" not in str(raised.value)
    assert left() == []


def test_short_file_is_not_kept(server: Server) -> None:
    server.files["a.bin"] = CONTENT["a.bin"][:100]
    with pytest.raises(DownloadFailed, match=r"^a.bin from .*\(100 bytes\)"):
        download("made-up")
    assert left() == []


def test_missing_file(server: Server) -> None:
    del server.files["a.bin"]
    with pytest.raises(DownloadFailed, match=r"^a.bin can't be downloaded: the server says 404 .*/a.bin") as raised:
        download("made-up")
    assert "\n" not in str(raised.value)
    assert left() == []


def test_no_server(server: Server) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and never listens
        with pytest.raises(DownloadFailed, match="^a.bin can't be downloaded: no connection to 127.0.0.1:") as raised:
            download("made-up", f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert "--data made-up=PATH" in str(raised.value)
    assert "$DEADHEAT_DATA/made-up" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert left() == []


def test_mirror_that_is_no_address(server: Server) -> None:
    with pytest.raises(DownloadFailed, match=r"^a.bin can't be downloaded: here/a.bin"):
        download("made-up", "here")


def test_wrong_file_of_before_is_replaced(server: Server) -> None:
    folder = download("made-up")
    (folder / "a.bin").write_bytes(b"damaged since")
    assert (download("made-up") / "a.bin").read_bytes() == CONTENT["a.bin"]


def test_wrong_file_of_before_does_not_stay_when_the_server_fails(server: Server) -> None:
    folder = download("made-up")
    (folder / "a.bin").write_bytes(b"damaged since")
    del server.files["a.bin"]
    with pytest.raises(DownloadFailed):
        download("made-up")
    assert left() == ["b.bin"]


def test_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "deadheat").write_text("a file where a folder has to be")
    with pytest.raises(DownloadFailed, match=r"^a.bin can't be written into "):
        download("made-up")


def test_what_cannot_be_downloaded(server: Server) -> None:
    with pytest.raises(Unavailable, match=r"^ImageNet \(ILSVRC\) can't be downloaded: get it from .*--data imagenet="):
        download("imagenet")
    with pytest.raises(UnknownName, match="did you mean 'made-up'"):
        download("made_up")


def tar(*names: str) -> bytes:
    """An archive of files with these names."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    return packed.getvalue()


def offer(server: Server, monkeypatch: pytest.MonkeyPatch, content: bytes, top: str = "top", inner: str = "") -> None:
    """The data set "made-up" as one archive, which is unpacked to a folder."""
    server.files["a.bin"] = content
    checksum = f"md5:{hashlib.md5(content).hexdigest()}"
    file = DataFile("a.bin", f"{server.url}/a.bin", checksum, {top: ""}, unpacks=True, inner=inner)
    made = replace(catalogue.load_source("made-up"), files=(file,))
    monkeypatch.setattr(catalogue, "sources", lambda: {"made-up": made})


def test_an_archive_of_images_is_unpacked_and_not_fetched_twice(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(server, monkeypatch, tar("top/train/one", "top/val/two"))
    folder = download("made-up")
    assert (folder / "top" / "train" / "one").read_text() == "top/train/one"
    assert left() == ["a.bin", "top"]
    assert verify("made-up") == []
    assert find("made-up") == download("made-up") == folder
    assert server.asked == ["a.bin"]


def test_an_archive_within_an_archive(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("set/images.tar.gz", tar("top/cat/one"))
        archive.writestr("set/readme", "hello")
    offer(server, monkeypatch, packed.getvalue(), inner="set/images.tar.gz")
    assert (download("made-up") / "top" / "cat" / "one").is_file()
    assert left() == ["a.bin", "top"]


def zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return packed.getvalue()


OUTSIDE = ("top/a", "../../../outside")


# Names of their own: a compressed archive holds the time, and workers must collect the same tests.
BROKEN = {
    "no archive": b"no archive",
    "cut off": tar("top/one")[:-20],
    "tar with a path outside": tar(*OUTSIDE),
    "zip with a path outside": zipped(*OUTSIDE),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_an_archive_that_cannot_be_unpacked_leaves_nothing_behind(
    server: Server, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    offer(server, monkeypatch, content)
    with pytest.raises(DownloadFailed, match=r"^.*a.bin can't be unpacked: .*; remove it and download it again$"):
        download("made-up")
    assert left() == ["a.bin"]
    assert not list(download_folder("made-up").parent.rglob("outside"))
