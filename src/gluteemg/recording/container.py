"""The SQLite container of a recording: its tables, how one is made, and how one is opened, closed in order or not."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from gluteemg.errors import DefinitionError, NewerFormatError, NotARecordingError, RecordingError, RoleError

APPLICATION_ID = 0x67454D47
"""``gEMG`` in ASCII: how a recording is told from other SQLite files (chosen)."""
FORMAT_VERSION = 1
"""SQLite's ``user_version`` of the files that this module writes, and the newest that it reads."""

_PAGE_BYTES = 32_768
"""Size of a database page (chosen: up to about 100 MB, some two hours, the packets then hang on one page near the start of the
file, so that a file that was cut off can be read up to the cut; with SQLite's usual 4096 that ends at 1.6 MB)."""
_CHECKPOINT_PAGES = 256
"""Pages after which the write-ahead log is folded into the file (chosen: 8 MB, about every 25 s)."""
_MOST_PAGES = 1 << 20
"""Pages that a recording may have (chosen: 34 GB, a month; more is a header that was altered, and is not filled up)."""

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sensors (id INTEGER PRIMARY KEY, name TEXT NOT NULL, profile TEXT NOT NULL /* TOML, verbatim */);
CREATE TABLE roles (
    sensor INTEGER NOT NULL REFERENCES sensors,
    channel INTEGER NOT NULL,
    muscle TEXT NOT NULL,
    side TEXT NOT NULL
);
CREATE TABLE packets (
    seq INTEGER PRIMARY KEY, -- over all sensors, from 1, without holes
    sensor INTEGER NOT NULL REFERENCES sensors,
    t_ns INTEGER NOT NULL, -- arrival, monotonic clock
    kind INTEGER NOT NULL, -- 0 notify, 1 advert, 2 connect, 3 disconnect
    bytes BLOB NOT NULL
);
CREATE TABLE events (
    ordinal INTEGER PRIMARY KEY, -- order of events, from 1
    after_seq INTEGER NOT NULL, -- the packet before it, 0 before the first
    kind TEXT NOT NULL,
    detail TEXT NOT NULL -- JSON
);
CREATE VIEW calibrations AS SELECT ordinal, after_seq, detail FROM events WHERE kind = 'calibration';
CREATE TABLE reps (number INTEGER PRIMARY KEY, rep TEXT NOT NULL /* JSON; a cache, the packets decide */);
"""

State = Literal["in order", "not closed", "log missing", "cut off"]


def create(
    path: Path, meta: Mapping[str, str], sensors: list[tuple[int, str, str]], roles: list[tuple[int, int, str, str]]
) -> sqlite3.Connection:
    """Make a new file with everything but the stream, safely on the disk."""
    try:
        path.open("xb").close()
    except FileExistsError as error:
        raise RecordingError(f"{path} exists already: choose another name.") from error
    except FileNotFoundError as error:
        raise RecordingError(f"There is no folder {path.parent}: create it, or choose another.") from error
    except OSError as error:
        raise RecordingError(f"Cannot record to {path}: {error.strerror}. Choose a folder that you may write to.") from error
    db = sqlite3.connect(path, check_same_thread=False)  # made here, then used by the writer alone
    try:
        db.executescript(
            f"PRAGMA page_size = {_PAGE_BYTES}; PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = NORMAL;"
            f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}; BEGIN;"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT_VERSION}; {_SCHEMA}"
        )
        db.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
        db.executemany("INSERT INTO sensors VALUES (?, ?, ?)", sensors)
        db.executemany("INSERT INTO roles VALUES (?, ?, ?, ?)", roles)
        db.commit()
        db.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error as error:
        db.close()
        path.unlink(missing_ok=True)
        raise RecordingError(f"Cannot record to {path}: {error}. Free some space, or choose another folder.") from error
    return db


def state_of(path: Path) -> State:
    """Tell from the header of the file, without SQLite, whether it is a recording and in order.

    References
    ----------
    .. [1] https://www.sqlite.org/fileformat2.html, section 1.3.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError as error:
        raise RecordingError(f"There is no recording {path}: check the path.") from error
    except OSError as error:
        raise RecordingError(f"Cannot read {path}: {error.strerror}. Choose a file that you may read.") from error
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise NotARecordingError(f"{path} is not a gluteemg recording: choose an .emg file, or use `gluteemg import`.")
    page_bytes, write_mode = struct.unpack_from(">HB", header, 16)
    pages, user_version, application_id = (struct.unpack_from(">I", header, at)[0] for at in (28, 60, 68))
    if application_id != APPLICATION_ID:
        raise NotARecordingError(f"{path} is a database of another program: choose an .emg file.")
    if user_version > FORMAT_VERSION:
        raise NewerFormatError(
            f"{path} has format {user_version}, this gluteemg reads up to {FORMAT_VERSION}: update gluteemg."
        )
    if page_bytes != _PAGE_BYTES or pages > _MOST_PAGES:
        raise _damaged(path, f"its header speaks of {pages} pages of {page_bytes} bytes")
    if any(log.exists() for log in logs_of(path)):
        return "not closed"
    if path.stat().st_size < pages * page_bytes:
        return "cut off"
    return "log missing" if write_mode == 2 else "in order"


def logs_of(path: Path) -> list[Path]:
    """Name what SQLite keeps beside a file that is being written; a recording closed in order has none."""
    return [path.with_name(path.name + ending) for ending in ("-wal", "-journal")]


_DAMAGE = (
    *(sqlite3.Error, UnicodeError, ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError),
    *(DefinitionError, RoleError),
)
"""What reading rows raises where they hold what no recorder wrote."""


def _damaged(path: Path, what: str) -> RecordingError:
    return RecordingError(f"{path} is damaged inside ({' '.join(what.split())}): restore it from a copy.")


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Open for reading, where it is if nothing needs mending, else as a private copy that SQLite may mend."""
    try:
        if state_of(path) in ("in order", "log missing"):
            # immutable: no lock, no log, nothing written, so that a read-only folder will do
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
                yield db
        else:
            with TemporaryDirectory(prefix="gluteemg-") as folder, closing(_copied(path, Path(folder))) as db:
                yield db
    except _DAMAGE as error:
        raise _damaged(path, str(error).removesuffix(" Mend that line.").rstrip(".")) from error
    except OSError as error:
        raise RecordingError(f"Cannot read {path}: {error.strerror}. Check the disk, and the space on it.") from error


def _copied(path: Path, folder: Path) -> sqlite3.Connection:
    """Copy a recording with its logs, and make up pages that were cut off, so that SQLite reads up to the cut."""
    copy = folder / path.name
    for source, target in zip([path, *logs_of(path)], [copy, *logs_of(copy)], strict=True):
        if source.exists():
            shutil.copyfile(source, target)
    with copy.open("r+b") as file:
        header = file.read(100)
        page_bytes, pages = struct.unpack_from(">H", header, 16)[0], struct.unpack_from(">I", header, 28)[0]
        size = copy.stat().st_size
        if size < pages * page_bytes:
            file.truncate(size // page_bytes * page_bytes)  # half a page reads as wrong rows, an empty one as an end
            file.truncate(pages * page_bytes)
    return sqlite3.connect(copy)
