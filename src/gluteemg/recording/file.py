"""The ``.emg`` file: one SQLite database a session, holding what came in, as it came, in order.

`Recorder` writes one while the session runs, `Recording` reads it afterwards. Everything that can alter a frame is a row of
``packets`` or ``events``; replaying them gives the session again. The file is open to any SQLite tool.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
import tomllib
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from gluteemg.errors import RecordingError
from gluteemg.muscles import Placement, check_placements
from gluteemg.recording.container import State, connected, create, logs_of, state_of
from gluteemg.recording.rows import (
    KINDS,
    read_ends,
    read_events,
    read_meta,
    read_packets,
    read_placements,
    read_profiles,
    read_reps,
)
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Event, Item, Packet

_COMMIT_S = 0.1
"""Time between commits (chosen: a kill may cost 0.25 s, and a commit takes 1 ms, 60 in the worst case seen)."""
_KIND_NUMBERS = {kind: number for number, kind in KINDS.items()}

_Rows = list[tuple[Any, ...]]


class Recorder:
    """Writes a session to a new file, from a thread of its own.

    A disk that fails never raises into the session: the first failure is kept in `error`, later items are dropped, and what
    was written stays. The session looks at `error` about once a second and tells the person; `close` raises it.

    Parameters
    ----------
    path : Path
        The new file.
    profiles : mapping of str to FirmwareProfile
        Every sensor that may send, by name.
    placements : sequence of Placement
        Which channel sits on which muscle.
    exercise_toml : str, optional
        The exercise's text, verbatim.
    started : datetime, optional
        When the session began; now, if not given.
    notes : mapping of str to str, optional
        More to keep in ``meta``, such as where an import came from.

    Raises
    ------
    RecordingError
        If the file exists or cannot be created, or a placement names a sensor that is not among `profiles`.
    RoleError
        If a role or a channel is taken twice.
    """

    def __init__(
        self,
        path: Path,
        profiles: Mapping[str, FirmwareProfile],
        placements: Sequence[Placement],
        *,
        exercise_toml: str | None = None,
        started: datetime | None = None,
        notes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._path = path
        self._ids = {name: number for number, name in enumerate(profiles, 1)}
        self._seq = self._ordinal = 0
        self._error: RecordingError | None = None
        self._reps: list[tuple[int, str]] = []
        self._queue: queue.SimpleQueue[tuple[_Rows, _Rows]] = queue.SimpleQueue()
        self._closing = threading.Event()
        check_placements(placements, {name: profile.signal.channels for name, profile in profiles.items()})
        meta = {**notes, "started": (started or datetime.now(UTC)).astimezone(UTC).isoformat(), "gluteemg": version("gluteemg")}
        if exercise_toml is not None:
            meta |= {"exercise_toml": exercise_toml, "exercise": str(tomllib.loads(exercise_toml).get("id", ""))}
        roles = [(self._ids[p.sensor], p.channel, p.role.muscle, p.role.side) for p in placements]
        self._db = create(path, meta, [(self._ids[n], n, p.toml) for n, p in profiles.items()], roles)
        # A daemon: a session that dies must not hang on its recorder, the file recovers by itself.
        self._writer = threading.Thread(target=self._write, name="gluteemg-writer", daemon=True)
        self._writer.start()

    @property
    def error(self) -> RecordingError | None:
        """Why recording stopped before `close`, or None while all is well."""
        return self._error

    def put(self, items: Sequence[Item]) -> None:
        """Hand over items in order. Returns at once; they are on their way to the disk within 100 ms.

        Raises
        ------
        RecordingError
            If a packet comes from a sensor without a profile, or the recorder is closed. Never because of the disk.
        """
        if self._closing.is_set():
            raise RecordingError(f"{self._path} is closed: nothing more can be recorded in it.")
        if self._error is not None:
            return
        seq, ordinal = self._seq, self._ordinal
        packets: _Rows = []
        events: _Rows = []
        for item in items:
            if isinstance(item, Packet):
                if item.sensor not in self._ids:
                    raise RecordingError(f"{item.sensor} was not there when the recording began: start a new one with it.")
                seq += 1
                packets.append((seq, self._ids[item.sensor], item.t_ns, _KIND_NUMBERS[item.kind], item.data))
            else:
                ordinal += 1
                events.append((ordinal, seq, item.kind, json.dumps(dict(item.detail))))
        self._seq, self._ordinal = seq, ordinal
        self._queue.put((packets, events))

    def cache_reps(self, reps: Sequence[Mapping[str, Any]]) -> None:
        """Keep repetitions as they stand in the JSON documents, for lists that must not replay; written on `close`."""
        self._reps = [(number, json.dumps(dict(rep))) for number, rep in enumerate(reps, 1)]

    def close(self) -> None:
        """Write what is left and make it one file; a recording without a single packet is removed.

        Raises
        ------
        RecordingError
            If the disk failed at any time: what was written before is kept.
        """
        self._stop()
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.close()
        else:
            self._stop()  # the error under way tells more than ours

    def _stop(self) -> None:
        self._closing.set()
        self._writer.join()

    def _write(self) -> None:
        """Commit every `_COMMIT_S` until closed: the writer's thread."""
        try:
            with closing(self._db):
                while not self._closing.wait(_COMMIT_S):
                    self._commit()
                self._commit()
                with self._db:
                    self._db.executemany("INSERT INTO reps VALUES (?, ?)", self._reps)
                self._db.execute("PRAGMA journal_mode = DELETE")  # folds the log in and removes it
            if not self._seq:  # nobody came: a file of nothing would only stand in the way of the next try
                for left in (self._path, *logs_of(self._path)):
                    left.unlink(missing_ok=True)
        except (sqlite3.Error, OSError) as error:
            self._error = RecordingError(
                f"Recording to {self._path} stopped: {error}. What came before is kept: see to the disk and start a new one."
            )

    def _commit(self) -> None:
        packets: _Rows = []
        events: _Rows = []
        while not self._queue.empty():
            more_packets, more_events = self._queue.get()
            packets += more_packets
            events += more_events
        if not self._path.exists():  # an unlinked file takes writes without a word
            raise FileNotFoundError("the file was moved or deleted")
        with self._db:
            if packets and packets[0][0] == 1:
                self._db.execute("INSERT INTO meta VALUES ('zero_ns', ?)", (str(packets[0][2]),))
            self._db.executemany("INSERT INTO packets VALUES (?, ?, ?, ?, ?)", packets)
            self._db.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", events)


@dataclass(frozen=True)
class Recording:
    """A recorded session. ``Recording.open(path)`` reads one; nothing is ever written to it, and nothing stays open.

    A recording that was not closed in order, or was cut off, is read from a private copy as far as it goes.

    Parameters
    ----------
    path : Path
        The file.
    meta : mapping of str to str
        ``started``, ``gluteemg`` (version that wrote it), ``zero_ns`` (session zero), ``exercise``, ``exercise_toml``, notes.
    profiles : mapping of str to FirmwareProfile
        Of each sensor, by name, as they were then.
    placements : tuple of Placement
        Which channel sat on which muscle when it began.
    events : tuple of Event
        Everything that was done during the session, in order.
    reps : tuple of mapping
        Repetitions as they were scored then, as JSON objects: a cache, empty if there is none.
    packets : int
        How many can be read.
    duration_s : float
        From session zero to the last packet.
    recovered : str or None
        One line on what may be missing, if the file was not closed in order.
    """

    path: Path
    meta: Mapping[str, str]
    profiles: Mapping[str, FirmwareProfile]
    placements: tuple[Placement, ...]
    events: tuple[Event, ...]
    reps: tuple[Mapping[str, Any], ...]
    packets: int
    duration_s: float
    recovered: str | None

    @property
    def started(self) -> datetime:
        """When the session began, in UTC."""
        return datetime.fromisoformat(self.meta["started"])

    def told(self, kind: str) -> tuple[Mapping[str, Any], ...]:
        """Give what the events of one kind tell, in order."""
        return tuple(event.detail for event in self.events if event.kind == kind)

    @property
    def exercise_toml(self) -> str | None:
        """The exercise's text, verbatim, if one was recorded."""
        return self.meta.get("exercise_toml")

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Read everything but the stream.

        Raises
        ------
        NotARecordingError
            If the file is something else.
        NewerFormatError
            If a later gluteemg wrote it.
        RecordingError
            If there is no such file, it cannot be read, it is damaged, or it is cut off before its first packet.
        """
        path = Path(path)
        state = state_of(path)
        with connected(path) as db:
            meta = read_meta(db)
            profiles = read_profiles(db)
            packets, duration_ns, whole = read_ends(db, meta.get("zero_ns"), salvage=state != "in order")
            if not packets and (state == "cut off" or not whole):
                raise RecordingError(f"{path} is cut off before its first packet: restore it from a copy.")
            events = read_events(db, packets, salvage=state != "in order")
            return cls(
                path=path,
                meta=meta,
                profiles=profiles,
                placements=read_placements(db, profiles),
                events=tuple(event for _, event in events),
                reps=read_reps(db),
                packets=packets,
                duration_s=duration_ns / 1e9,
                recovered=_recovered(path, state if whole else "cut off", packets, duration_ns / 1e9),
            )

    def items(self, block_s: float = 80.0) -> Generator[Sequence[Item], None, None]:
        """Give every packet and event in order.

        Parameters
        ----------
        block_s : float
            About how much session time to give at once (chosen, for four channels at 1 kHz: with 80 s the whole analysis takes
            a sixth less time than with 20, and 30 MB more memory; longer blocks gain nothing).

        Yields
        ------
        sequence of Item
            Never empty. Where the cuts fall means nothing.

        Raises
        ------
        RecordingError
            If the file is damaged inside, or gone.
        """
        per_s = self.packets / self.duration_s if self.duration_s > 0 else self.packets
        size = max(1, min(self.packets, round(per_s * block_s)))
        with connected(self.path) as db:
            events = deque(read_events(db, self.packets, salvage=self.recovered is not None))
            seq = 0
            for packets in read_packets(db, self.packets, size):
                yield _merged(packets, seq, events)
                seq += len(packets)
            if events:
                yield [event for _, event in events]


def _merged(packets: list[Packet], seq: int, events: deque[tuple[int, Event]]) -> Sequence[Item]:
    """Put the events that are due into the packets that follow packet `seq`."""
    merged: list[Item] = []
    start = 0
    while events and events[0][0] < seq + len(packets):
        after_seq, event = events.popleft()
        merged += [*packets[start : after_seq - seq], event]
        start = after_seq - seq
    return [*merged, *packets[start:]] if merged else packets


def _recovered(path: Path, state: State, packets: int, duration_s: float) -> str | None:
    """Say what may be missing."""
    saved = f"{packets} packets, up to {duration_s:.1f} s, could be read"
    if state == "cut off":
        return f"{path.name} is cut off: {saved}; what came after is lost."
    if state == "not closed":
        return f"{path.name} was not closed in order: {saved}; up to a quarter of a second after that is missing."
    if state == "log missing":
        return f"{path.name} was not closed in order and {path.name}-wal is not beside it: {saved}; the end may be missing."
    return None
