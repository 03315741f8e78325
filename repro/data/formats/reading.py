"""Reading of a user's files and archives; errors are one line with the file's name.

Nothing is unpickled, or unpacked onto the disk.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import IO

from repro.data.errors import BadData, MissingData
from repro.data.source import DataFile, unpacked_path

CHUNK = 1 << 20  # bytes
SHOWN = 6  # names of a folder's files in a message


def read_file(path: Path) -> bytes:
    """A file's content, unpacked if its name ends in .gz; MissingData or BadData if it cannot be read."""
    if not path.exists():
        raise missing(path)
    try:
        with _open(path) as file:
            return file.read()
    except EOFError:
        raise BadData(
            f"{path} is cut off: its gzip stream has no end, after {path.stat().st_size} bytes; fetch it again"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as problem:
        raise BadData(f"{path} is damaged or no gzip file: {problem}; fetch it again") from None
    except OSError as problem:
        raise unreadable(path, problem) from None


def read_single(folder: Path, file: DataFile) -> tuple[Path, bytes]:
    """The path read, packed or not, and the content of the single file that `file` unpacks to."""
    (name,) = file.contents
    packed = folder / file.name
    path = packed if packed.exists() or not (folder / name).exists() else folder / name
    return path, read_file(path)


def read_members(folder: Path, file: DataFile) -> tuple[Path, dict[str, bytes]]:
    """The archive or folder read, and the contents of the archive `file` by name without folders."""
    archive = folder / file.name
    if archive.exists():
        return archive, _read_archive(archive, [PurePosixPath(name).name for name in file.contents])
    paths = [unpacked_path(folder, name) for name in file.contents]
    if not any(path.exists() for path in paths):
        raise missing(archive)
    return paths[0].parent, {path.name: read_file(path) for path in paths}


def missing(path: Path) -> MissingData:
    """The error for a missing file, with the names in its folder."""
    names = sorted(other.name for other in path.parent.iterdir()) if path.parent.is_dir() else []
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return MissingData(f"{path} is missing; its folder has: {', '.join(names[:SHOWN]) or 'nothing'}{more}")


def unreadable(path: Path, problem: OSError) -> BadData:
    """The error for a file that the system cannot read."""
    return BadData(f"{path} can't be read: {problem.strerror or problem}")


def first_line(problem: Exception) -> str:
    """The first line of a library's error message; its type if it is empty."""
    return str(problem).strip().partition("\n")[0] or type(problem).__name__


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _read_archive(path: Path, names: Collection[str]) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    try:
        with gzip.open(path) as stream, tarfile.open(fileobj=stream) as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                content = archive.extractfile(member) if name in names and member.isfile() else None
                if content is not None:
                    contents[name] = content.read()
            while stream.read(CHUNK):  # gzip's checksum is at the end
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise BadData(f"{path} is cut off, damaged or no archive: {first_line(problem)}; fetch it again") from None
    except OSError as problem:
        raise unreadable(path, problem) from None
    lacking = [name for name in names if name not in contents]
    if lacking:
        raise BadData(f"{path} has no {', '.join(lacking)} in it; fetch it again")
    return contents
