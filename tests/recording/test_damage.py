"""Recordings that a disk, another program or a person altered: one line, never a traceback, and never wrong packets."""

from __future__ import annotations

import random
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gluteemg.errors import RecordingError
from gluteemg.recording.file import Recording
from gluteemg.sensors.source import Event, Item, Packet

from .conftest import Session

_ZERO_NS = 10**12
_ITEMS: list[Item] = [
    *(Packet(f"uMyo-{1 + n % 2}", _ZERO_NS + n * 6_666_667, struct.pack("<q", n) * 6) for n in range(600)),
    Event("marker", {"note": "half"}),
    *(Packet(f"uMyo-{1 + n % 2}", _ZERO_NS + n * 6_666_667, struct.pack("<q", n) * 6) for n in range(600, 1200)),
    Event("calibration", {"method": "mvic"}),
]
_LOOSE = "CREATE TABLE loose AS SELECT * FROM packets; DROP TABLE packets; ALTER TABLE loose RENAME TO packets;"
"""Takes the constraints from the packets, as a copy made by another tool does."""


@pytest.fixture(scope="module")
def whole(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "whole.emg"
    with session.recorder(path) as recorder:
        recorder.put(_ITEMS)
        recorder.cache_reps([{"share": 0.4}])
    return path


@pytest.fixture
def alter(whole: Path, tmp_path: Path) -> Callable[[str], Path]:
    def altered(sql: str) -> Path:
        path = tmp_path / "a.emg"
        shutil.copyfile(whole, path)
        with closing(sqlite3.connect(path)) as db:
            db.executescript(sql)
        return path

    return altered


def _read(path: Path) -> list[Item]:
    return [item for block in Recording.open(path).items(1.0) for item in block]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE packets SET sensor = 77 WHERE seq = 50", "packet 50: there is no sensor 77"),
        ("UPDATE packets SET sensor = 0 WHERE seq = 50", "packet 50: there is no sensor 0"),
        ("UPDATE packets SET kind = 9 WHERE seq = 50", "packet 50: there is no kind 9"),
        ("UPDATE packets SET kind = -1 WHERE seq = 1200", "packet 1200: there is no kind -1"),
        (_LOOSE + "UPDATE packets SET t_ns = NULL WHERE seq = 50", "packet 50: its time is no number"),
        ("UPDATE packets SET t_ns = 'noon' WHERE seq = 50", "packet 50: its time is no number"),
        ("UPDATE packets SET t_ns = 1.5 WHERE seq = 1", "packet 1: session zero is '1000000000000'"),
        ("UPDATE packets SET t_ns = 1 << 62 WHERE seq = 500", r"packet 500: its time leaps by 4.6\d+e\+09 s"),
        ("UPDATE packets SET t_ns = 1 << 62 WHERE seq = 1200", "packet 1200: its time leaps"),
        ("UPDATE packets SET t_ns = -1 << 63 WHERE seq = 500", "packet 500: its time leaps by -"),
        ("UPDATE packets SET t_ns = t_ns - 6000000000 WHERE seq = 500", "packet 500: its time leaps by -5.99333 s"),
        ("UPDATE packets SET t_ns = -1 WHERE seq = 500", "packet 500: its time leaps by -"),
        ("UPDATE packets SET bytes = 'hello' WHERE seq = 50", "packet 50: its bytes are no blob"),
        ("UPDATE packets SET bytes = 5 WHERE seq = 50", "packet 50: its bytes are no blob"),
        (_LOOSE + "UPDATE packets SET bytes = NULL", "packet 1200: its bytes are no blob"),
        ("DELETE FROM packets WHERE seq = 50", "packet 50: it is missing"),
        ("DELETE FROM packets WHERE seq = 1", "packet 2: session zero is"),
        ("UPDATE packets SET seq = -5 WHERE seq = 1", "packet 1: it is missing"),
        ("DROP TABLE packets", "no such table: packets"),
        ("UPDATE events SET detail = '{broken'", "event 1: its detail is no JSON object"),
        ("UPDATE events SET detail = 'null' WHERE kind = 'calibration'", "event 2: its detail is no JSON object"),
        ("UPDATE events SET detail = '[1]'", "event 1: its detail is no JSON object"),
        ("UPDATE events SET detail = x'00ff'", "event 1: its detail is no JSON object"),
        (f"UPDATE events SET detail = '{'[' * 100_000}'", "event 1: its detail is no JSON object"),
        ("UPDATE events SET after_seq = 99999999", "event 1: it cannot follow packet 99999999"),
        ("UPDATE events SET after_seq = -5", "event 1: it cannot follow packet -5"),
        ("UPDATE events SET after_seq = 3 WHERE ordinal = 2", "event 2: it cannot follow packet 3"),
        ("UPDATE events SET kind = x'ff'", "event 1: its kind is no text"),
        ("DROP VIEW calibrations; DROP TABLE events", "no such table: events"),
        ("DELETE FROM sensors; DELETE FROM roles", "it has no sensors"),
        ("UPDATE sensors SET name = 'same'", "two sensors have the same name"),
        ("UPDATE sensors SET name = x'ff' WHERE id = 2", "sensor 2: its name is no text"),
        ("UPDATE sensors SET profile = 'garbage = ['", "the profile of uMyo-1 is not valid TOML: Invalid value"),
        ("UPDATE sensors SET profile = 'id = 1'", "the profile of uMyo-1 has .* faults"),
        ("UPDATE sensors SET profile = x'ff00ff'", "sensor 1: its profile is no text"),
        ("UPDATE sensors SET profile = CAST(x'ff41ff' AS TEXT)", "Could not decode to UTF-8"),
        ("UPDATE roles SET channel = -1", "Channel -1 of uMyo-1"),
        ("UPDATE roles SET channel = 9", "Channel 9 of uMyo-1"),
        ("UPDATE roles SET channel = 'first'", "roles: channel 'first' of sensor 1 does not exist"),
        ("UPDATE roles SET sensor = 9", "roles: channel 0 of sensor 9 does not exist"),
        ("UPDATE roles SET side = 'up'", "Unknown side 'up'"),
        ("UPDATE roles SET muscle = 'banana'", "Unknown muscle 'banana'"),
        ("UPDATE roles SET muscle = 'hamstrings'", "hamstrings:right is given to two channels"),
        ("DELETE FROM meta", "meta: started is None, not a time"),
        ("UPDATE meta SET value = 'yesterday' WHERE key = 'started'", "meta: started is 'yesterday', not a time"),
        ("UPDATE meta SET value = '2026-01-01' WHERE key = 'started'", "meta: started is '2026-01-01', not a time"),
        ("UPDATE meta SET value = x'00'", "meta: something in it is no text"),
        ("DELETE FROM meta WHERE key = 'zero_ns'", "packet 1: session zero is None"),
        ("UPDATE meta SET value = 'x' WHERE key = 'zero_ns'", "meta: zero_ns is 'x', not a number"),
        ("UPDATE meta SET value = '0' WHERE key = 'zero_ns'", "packet 1: session zero is '0'"),
    ],
)
def test_what_no_recorder_writes_is_refused_with_its_place(alter: Callable[[str], Path], sql: str, said: str) -> None:
    with pytest.raises(RecordingError, match=rf"a\.emg is damaged inside \(.*{said}.*\): restore it from a copy\.$") as error:
        _read(alter(sql))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE reps SET rep = '{broken'",
        "UPDATE reps SET rep = '[1]'",
        "UPDATE reps SET rep = x'ff'",
        f"UPDATE reps SET rep = '{'[' * 100_000}'",
        "DROP TABLE reps",
    ],
)
def test_a_broken_cache_of_repetitions_is_no_cache(alter: Callable[[str], Path], sql: str) -> None:
    path = alter(sql)
    assert Recording.open(path).reps == ()
    assert _read(path) == _ITEMS


def test_other_numbers_for_the_sensors_change_nothing(alter: Callable[[str], Path]) -> None:
    path = alter(
        "UPDATE sensors SET id = 30 - id; UPDATE packets SET sensor = 30 - sensor; UPDATE roles SET sensor = 30 - sensor"
    )
    assert _read(path) == _ITEMS
    assert [p.sensor for p in Recording.open(path).placements] == ["uMyo-1", "uMyo-2"]


def test_a_recording_without_roles_opens(alter: Callable[[str], Path]) -> None:
    path = alter("DELETE FROM roles")
    assert Recording.open(path).placements == ()
    assert _read(path) == _ITEMS


def test_small_steps_back_and_long_waits_belong_to_a_session(alter: Callable[[str], Path]) -> None:
    path = alter("UPDATE packets SET t_ns = t_ns - 4900000000 WHERE seq = 50; UPDATE packets SET t_ns = t_ns + 86000000000000 "
                 "WHERE seq > 700")  # fmt: skip
    assert len(_read(path)) == len(_ITEMS)


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_give_a_recording_or_one_line(whole: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(whole.read_bytes())
    first = 0 if seed % 2 else 100
    for _ in range(30):
        data[chance.randrange(first, 100 if first == 0 and chance.random() < 0.2 else len(data))] = chance.randrange(256)
    path = tmp_path / "a.emg"
    path.write_bytes(data)
    try:
        recording = Recording.open(path)
        assert [
            i for block in recording.items() for i in block if isinstance(i, Packet) and i.sensor not in recording.profiles
        ] == []
    except RecordingError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(("place", "value"), [(16, b"\0\0"), (16, b"\x10\0"), (28, b"\xff\xff\xff\xff")])
def test_a_header_that_was_altered_is_not_believed(whole: Path, tmp_path: Path, place: int, value: bytes) -> None:
    data = bytearray(whole.read_bytes())
    data[place : place + len(value)] = value
    path = tmp_path / "a.emg"
    path.write_bytes(data)
    with pytest.raises(RecordingError, match=r"a\.emg is damaged inside \(its header speaks of \d+ pages of \d+ bytes\)"):
        Recording.open(path)
