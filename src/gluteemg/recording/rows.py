"""The rows of a recording, read and checked: a disk, another program or a person may have altered them.

What no recorder writes is raised as a `ValueError` that names the place; `gluteemg.recording.container.connected` makes the
error of it that says which file, and what to do.
"""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from datetime import datetime
from operator import sub
from typing import Any

from gluteemg.muscles import Placement, Role, check_placements
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Event, Packet, PacketKind

KINDS = dict(enumerate((PacketKind.NOTIFY, PacketKind.ADVERT, PacketKind.CONNECT, PacketKind.DISCONNECT)))
"""What a packet tells, by its number in the table."""

_BACK_NS, _ON_NS = 5 * 10**9, 86_400 * 10**9
"""How far the arrival of a packet may lie before and after the one before it (chosen: seconds, since threads and stacks reorder
by less; and a day, as much as an import may hold)."""

Row = tuple[int, int, int, bytes, int]
"""A row of ``packets``: seq, sensor, t_ns, bytes, kind."""

_COLUMNS = "SELECT seq, sensor, t_ns, bytes, kind FROM packets ORDER BY seq"


def read_meta(db: sqlite3.Connection) -> dict[str, str]:
    """Give ``meta``, with `started` and, where it stands, `zero_ns` fit for use."""
    meta: dict[str, str] = dict(db.execute("SELECT key, value FROM meta").fetchall())
    if not set(map(type, (*meta, *meta.values()))) <= {str}:
        raise ValueError("meta: something in it is no text")
    try:
        aware = datetime.fromisoformat(meta.get("started", "")).utcoffset() is not None
    except ValueError:
        aware = False
    if not aware:
        raise ValueError(f"meta: started is {meta.get('started')!r:.40}, not a time")
    if "zero_ns" in meta and not meta["zero_ns"].removeprefix("-").isdecimal():
        raise ValueError(f"meta: zero_ns is {meta['zero_ns']!r:.40}, not a number")
    return meta


def read_sensors(db: sqlite3.Connection) -> dict[int, str]:
    """Give the name of each sensor by its id."""
    sensors: dict[int, str] = dict(db.execute("SELECT id, name FROM sensors ORDER BY id").fetchall())
    if not sensors:
        raise ValueError("it has no sensors")
    for number, name in sensors.items():
        if not isinstance(name, str):
            raise ValueError(f"sensor {number}: its name is no text")
    if len(set(sensors.values())) < len(sensors):
        raise ValueError("two sensors have the same name")
    return sensors


def read_profiles(db: sqlite3.Connection) -> dict[str, FirmwareProfile]:
    """Give the profile of each sensor by its name."""
    texts = dict(db.execute("SELECT id, profile FROM sensors"))
    profiles = {}
    for number, name in read_sensors(db).items():
        if not isinstance(texts[number], str):
            raise ValueError(f"sensor {number}: its profile is no text")
        profiles[name] = FirmwareProfile.parse(texts[number], f"the profile of {name}")
    return profiles


def read_placements(db: sqlite3.Connection, profiles: Mapping[str, FirmwareProfile]) -> tuple[Placement, ...]:
    """Give what each channel stood for; there may be none."""
    sensors = read_sensors(db)
    placements = []
    for sensor, channel, muscle, side in db.execute("SELECT sensor, channel, muscle, side FROM roles ORDER BY rowid"):
        if sensor not in sensors or not isinstance(channel, int):
            raise ValueError(f"roles: channel {channel!r:.40} of sensor {sensor!r:.40} does not exist")
        placements.append(Placement(sensors[sensor], channel, Role.parse(f"{muscle}:{side}")))
    check_placements(placements, {name: profile.signal.channels for name, profile in profiles.items()})
    return tuple(placements)


def read_ends(db: sqlite3.Connection, zero_ns: str | None, *, salvage: bool) -> tuple[int, int, bool]:
    """Look at the first packet and the last that can be read.

    Parameters
    ----------
    db : Connection
        The recording.
    zero_ns : str or None
        Session zero as it stands in ``meta``: the arrival of the first packet.
    salvage : bool
        Whether the file may end early: then all packets are looked for, and an end inside is none of its faults.

    Returns
    -------
    packets : int
        How many can be read.
    duration_ns : int
        From the first to the last.
    whole : bool
        Whether the end was the end.
    """
    ends: deque[Row] = deque(maxlen=2)
    whole = True
    if salvage:
        try:
            ends.extend(db.execute(_COLUMNS))
        except sqlite3.DatabaseError:
            whole = False
    else:
        ends.extend(reversed(db.execute(f"{_COLUMNS} DESC LIMIT 2").fetchall()))
    if not ends:
        return 0, 0, whole
    first: Row = db.execute(f"{_COLUMNS} LIMIT 1").fetchone()
    if str(first[2]) != zero_ns:
        raise ValueError(f"packet {first[0]}: session zero is {zero_ns!r:.40} and not when it came")
    packets, last_ns = ends[-1][0], ends[-1][2]
    _check([(value,) for value in ends[-1]], packets - 1, ends[0][2], read_sensors(db))
    return packets, last_ns - first[2], whole


def read_packets(db: sqlite3.Connection, packets: int, size: int) -> Generator[list[Packet], None, None]:
    """Give the first `packets` packets in order, `size` at a time."""
    sensors = read_sensors(db)
    rows = db.execute(f"{_COLUMNS} LIMIT ?", (packets,))
    seq, last_ns = 0, None
    while block := rows.fetchmany(size):
        columns = tuple(zip(*block, strict=True))
        _, ids, times_ns, blobs, kinds = columns
        _check(columns, seq, times_ns[0] if last_ns is None else last_ns, sensors)
        seq, last_ns = block[-1][0], times_ns[-1]
        yield [*map(Packet, map(sensors.__getitem__, ids), times_ns, blobs, map(KINDS.__getitem__, kinds))]
    if seq < packets:
        raise ValueError(f"packet {seq + 1}: it is missing")


def _check(columns: Sequence[tuple[Any, ...]], seq: int, last_ns: int, sensors: Mapping[int, str]) -> None:
    """Refuse rows that cannot follow packet `seq`, which came at `last_ns`; as a whole first, since that is quick."""
    if _fault(columns, seq, last_ns, sensors) is None:
        return
    for row in zip(*columns, strict=True):
        if fault := _fault([(value,) for value in row], seq, last_ns, sensors):
            raise ValueError(f"packet {seq + 1}: {fault}")
        seq, last_ns = row[0], row[2]


def _fault(columns: Sequence[tuple[Any, ...]], seq: int, last_ns: int, sensors: Collection[int]) -> str | None:
    """Say what is wrong with one of the rows that have these columns."""
    seqs, ids, times_ns, blobs, kinds = columns
    if seqs[0] != seq + 1 or seqs[-1] != seq + len(seqs):
        return "it is missing"
    if unknown := {*ids}.difference(sensors):
        return f"there is no sensor {unknown.pop()!r:.40}"
    if {*map(type, blobs)} != {bytes}:
        return "its bytes are no blob"
    if unknown := {*kinds}.difference(KINDS):
        return f"there is no kind {unknown.pop()!r:.40}"
    if {*map(type, times_ns), type(last_ns)} != {int}:
        return "its time is no number"
    steps_ns = list(map(sub, times_ns, [last_ns, *times_ns]))
    if min(steps_ns) < -_BACK_NS or max(steps_ns) > _ON_NS:
        return f"its time leaps by {max(steps_ns, key=abs) / 1e9:g} s"
    return None


def read_events(db: sqlite3.Connection, packets: int, *, salvage: bool) -> Iterator[tuple[int, Event]]:
    """Give every event with the number of the packet before it; with `salvage`, as far as they can be read."""
    last = 0
    try:
        for ordinal, after_seq, kind, text in db.execute(
            "SELECT ordinal, after_seq, kind, detail FROM events ORDER BY ordinal"
        ):
            if not isinstance(after_seq, int) or not last <= after_seq or (after_seq > packets and not salvage):
                raise ValueError(f"event {ordinal}: it cannot follow packet {after_seq!r:.40}")
            if not isinstance(kind, str):
                raise ValueError(f"event {ordinal}: its kind is no text")
            if (detail := _json_object(text)) is None:
                raise ValueError(f"event {ordinal}: its detail is no JSON object")
            yield after_seq, Event(kind, detail)
            last = after_seq
    except sqlite3.DatabaseError:
        if not salvage:
            raise


def read_reps(db: sqlite3.Connection) -> tuple[Mapping[str, Any], ...]:
    """Give the cached repetitions; none where anything is wrong with them, since the packets give them again."""
    try:
        reps = [_json_object(text) for (text,) in db.execute("SELECT rep FROM reps ORDER BY number")]
    except sqlite3.DatabaseError:
        return ()
    return () if None in reps else tuple(rep for rep in reps if rep is not None)


def _json_object(text: object) -> dict[str, Any] | None:
    """Read a JSON object, or give None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
