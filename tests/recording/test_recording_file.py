from __future__ import annotations

import os
import random
import shutil
import sqlite3
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gluteemg.errors import NewerFormatError, NotARecordingError, RecordingError, RoleError
from gluteemg.muscles import Placement, Role
from gluteemg.recording.file import Recorder, Recording
from gluteemg.sensors.source import Event, Item, Packet, PacketKind

from .conftest import Session

_KINDS = st.sampled_from(PacketKind)
_NAMES = st.sampled_from(["uMyo-1", "uMyo-2"])
_TIMES_NS = st.integers(-(2 * 10**9), 3 * 10**9).map(lambda t_ns: 10**12 + t_ns)  # packets may come a little out of order
_PACKETS = st.builds(Packet, _NAMES, _TIMES_NS, st.binary(max_size=300), _KINDS)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_EVENTS = st.builds(Event, st.sampled_from(["marker", "calibration", "pause"]), st.dictionaries(st.text(), _JSON, max_size=3))


def _packet(number: int) -> Packet:
    return Packet(f"uMyo-{1 + number % 2}", 10**12 + number * 6_666_667, struct.pack("<q", number) * 6)


def _items(count: int) -> list[Item]:
    """Packets at 150 a second, with a marker after every hundredth."""
    items: list[Item] = []
    for number in range(count):
        items.append(_packet(number))
        if number % 100 == 99:
            items.append(Event("marker", {"after": number}))
    return items


def _read(recording: Recording, block_s: float = 10.0) -> list[Item]:
    return [item for block in recording.items(block_s) for item in block]


def _folder(path: Path) -> dict[str, tuple[int, int]]:
    return {p.name: (p.stat().st_size, p.stat().st_mtime_ns) for p in path.iterdir()}


def _until(done: Callable[[], bool]) -> None:
    """Wait for the writer, which looks every 100 ms."""
    for _ in range(500):
        if done():
            return
        time.sleep(0.01)
    raise TimeoutError


@contextmanager
def _killed(session: Session, path: Path, items: list[Item]) -> Iterator[Path]:
    """Give the files as they lie on the disk while a recorder is at work, as a kill would leave them."""
    with session.recorder(path) as recorder:
        recorder.put(items)
        _until(lambda: not items or _read(Recording.open(path)) == items)
        left = path.parent / "killed"
        left.mkdir()
        for part in path.parent.glob("*.emg*"):
            shutil.copyfile(part, left / part.name)
        yield left / path.name


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(puts=st.lists(st.lists(_PACKETS | _EVENTS, max_size=12), max_size=6), block_s=st.sampled_from([1e-9, 0.1, 1e9]))
def test_what_is_put_in_comes_out_in_order(session: Session, puts: list[list[Item]], block_s: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.emg"
        with session.recorder(path) as recorder:
            for items in puts:
                recorder.put(items)
        items = [item for items in puts for item in items]
        if any(isinstance(item, Packet) for item in items):
            assert _read(Recording.open(path), block_s) == items
        else:
            assert not list(Path(folder).iterdir())


def test_a_recording_knows_its_session(session: Session, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    exercise = 'id = "bridge"\n# ä comment\n'
    with session.recorder(tmp_path / "a.emg", exercise_toml=exercise, note="left knee sore") as recorder:
        recorder.put(_items(301))
        recorder.cache_reps([{"share": 0.4}, {"share": None}])
    recording = Recording.open(tmp_path / "a.emg")
    assert recording.profiles == session.profiles
    assert recording.profiles["uMyo-1"].toml == session.profiles["uMyo-1"].toml
    assert recording.placements == session.placements
    assert recording.exercise_toml == exercise
    assert recording.meta["exercise"] == "bridge"
    assert recording.meta["note"] == "left knee sore"
    assert recording.meta["zero_ns"] == str(10**12)
    assert recording.reps == ({"share": 0.4}, {"share": None})
    assert recording.packets == 301
    assert recording.duration_s == pytest.approx(2.0, abs=1e-6)
    assert recording.recovered is None
    assert before <= recording.started <= datetime.now(UTC)
    assert recording.started.utcoffset() == timedelta(0)


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_a_session_without_packets_leaves_no_file_in_the_way(
    session: Session, tmp_path: Path, error: type[Exception] | None
) -> None:
    with suppress(ZeroDivisionError), session.recorder(tmp_path / "a.emg") as recorder:
        recorder.put([Event("marker", {"text": "nobody came"})])
        if error is not None:
            raise error
    assert not list(tmp_path.iterdir())
    session.record(tmp_path / "a.emg", _items(3))
    recorder.close()  # once more, and late: what stands there now is not its own
    assert _read(Recording.open(tmp_path / "a.emg")) == _items(3)


def test_the_writer_has_its_own_thread_and_ends_with_the_file(session: Session, tmp_path: Path) -> None:
    with session.recorder(tmp_path / "a.emg"):
        assert "gluteemg-writer" in [t.name for t in threading.enumerate()]
    assert "gluteemg-writer" not in [t.name for t in threading.enumerate()]


def test_one_file_remains_and_reading_leaves_no_trace(session: Session, tmp_path: Path) -> None:
    session.record(tmp_path / "a.emg", _items(1000))
    tmp_path.chmod(0o555)
    before = _folder(tmp_path)
    assert list(before) == ["a.emg"]
    assert _read(Recording.open(tmp_path / "a.emg")) == _items(1000)
    assert _folder(tmp_path) == before
    tmp_path.chmod(0o755)


def test_any_sqlite_tool_can_read_it(session: Session, tmp_path: Path) -> None:
    session.record(tmp_path / "a.emg", [_packet(0), Event("calibration", {"method": "mvic"})])
    db = sqlite3.connect(tmp_path / "a.emg")
    assert db.execute("PRAGMA application_id").fetchone()[0].to_bytes(4, "big") == b"gEMG"
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("SELECT after_seq, detail FROM calibrations").fetchall() == [(1, '{"method": "mvic"}')]
    db.close()


def test_a_second_recording_never_takes_the_place_of_the_first(session: Session, tmp_path: Path) -> None:
    session.record(tmp_path / "a.emg", _items(10))
    with pytest.raises(RecordingError, match="exists already: choose another name"):
        session.recorder(tmp_path / "a.emg")
    assert Recording.open(tmp_path / "a.emg").packets == 10


def test_a_folder_that_does_not_exist_is_said_at_the_start(session: Session, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"There is no folder .*nowhere: create it"):
        session.recorder(tmp_path / "nowhere" / "a.emg")
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="Not a directory"):
        session.recorder(tmp_path / "file" / "a.emg")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said_at_the_start(session: Session, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(RecordingError, match="folder that you may write to"):
        session.recorder(tmp_path / "a.emg")
    tmp_path.chmod(0o755)


def test_a_role_must_stand_on_a_sensor_and_once(session: Session, tmp_path: Path) -> None:
    stranger = Placement("other", 0, Role("hamstrings", "left"))
    with pytest.raises(RoleError, match="other is not among the sensors"):
        Recorder(tmp_path / "a.emg", session.profiles, [stranger])
    with pytest.raises(RoleError, match="two channels"):
        Recorder(tmp_path / "a.emg", session.profiles, [*session.placements, session.placements[0]])
    assert not list(tmp_path.iterdir())


def test_a_stranger_among_the_packets_is_refused_and_the_rest_is_kept(session: Session, tmp_path: Path) -> None:
    with session.recorder(tmp_path / "a.emg") as recorder:
        recorder.put(_items(3))
        with pytest.raises(RecordingError, match="uMyo-9 was not there"):
            recorder.put([_packet(3), Packet("uMyo-9", 0, b"")])
        recorder.put([_packet(3)])
    assert _read(Recording.open(tmp_path / "a.emg")) == _items(4)
    with pytest.raises(RecordingError, match="closed"):
        recorder.put([_packet(4)])


def test_a_full_disk_stops_the_recording_and_not_the_session(session: Session, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    recorder = session.recorder(tmp_path / "a.emg")
    recorder.put(_items(100))
    _until(lambda: Recording.open(tmp_path / "a.emg").packets == 100)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, hard))  # no file may grow further: a disk that is full
        recorder.put([Packet("uMyo-1", 2 * 10**12, bytes(500))] * 4000)
        _until(lambda: recorder.error is not None)
        recorder.put(_items(100))
        with pytest.raises(RecordingError, match=r"a\.emg stopped: .* What came before is kept"):
            recorder.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert _read(Recording.open(tmp_path / "a.emg")) == _items(100)


def test_a_file_that_is_taken_away_is_noticed(session: Session, tmp_path: Path) -> None:
    recorder = session.recorder(tmp_path / "a.emg")
    (tmp_path / "a.emg").unlink()
    _until(lambda: recorder.error is not None)
    assert "moved or deleted" in str(recorder.error)
    with pytest.raises(RecordingError, match="moved or deleted"):
        recorder.close()


def test_an_error_in_the_session_is_not_hidden_by_the_recorder(session: Session, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), session.recorder(tmp_path / "a.emg"):
        (tmp_path / "a.emg").rename(tmp_path / "b.emg").stat().st_size / 0  # a file taken away, and a fault elsewhere


def test_a_killed_recording_opens_from_a_folder_that_cannot_be_written(session: Session, tmp_path: Path) -> None:
    with _killed(session, tmp_path / "a.emg", _items(2000)) as left:
        left.parent.chmod(0o555)
        before = _folder(left.parent)
        assert sorted(before) == ["a.emg", "a.emg-wal"]
        recording = Recording.open(left)
        assert _read(recording) == _items(2000)
        assert "was not closed in order: 2000 packets, up to 13.3 s" in str(recording.recovered)
        assert _folder(left.parent) == before
        left.parent.chmod(0o755)


def test_a_killed_recording_without_its_log_says_what_is_missing(session: Session, tmp_path: Path) -> None:
    with _killed(session, tmp_path / "a.emg", _items(2000)) as left:
        left.with_name("a.emg-wal").unlink()
        recording = Recording.open(left)
        assert recording.profiles == session.profiles
        assert _read(recording) == []
        assert "a.emg-wal is not beside it: 0 packets" in str(recording.recovered)


def test_a_log_that_was_cut_gives_all_before_the_cut(session: Session, tmp_path: Path) -> None:
    with _killed(session, tmp_path / "a.emg", _items(200)) as left:
        log = left.with_name("a.emg-wal")
        os.truncate(log, log.stat().st_size - 1)
        assert _read(Recording.open(left)) == []  # its only commit is not whole


def test_a_file_that_was_cut_off_gives_all_before_the_cut(session: Session, tmp_path: Path) -> None:
    items = _items(30_000)
    session.record(tmp_path / "a.emg", items)
    whole = (tmp_path / "a.emg").read_bytes()
    cut = tmp_path / "cut.emg"
    for fraction in (0.2, 0.5, 0.77, 0.999):
        cut.write_bytes(whole[: int(len(whole) * fraction)])
        recording = Recording.open(cut)
        packets = [i for i in _read(recording) if isinstance(i, Packet)]
        assert packets == [_packet(n) for n in range(len(packets))]
        assert len(packets) == recording.packets >= int(30_000 * (fraction - 0.15))
        assert f"cut.emg is cut off: {len(packets)} packets" in str(recording.recovered)


def test_a_cut_anywhere_gives_a_recording_or_a_clear_error(session: Session, tmp_path: Path) -> None:
    session.record(tmp_path / "a.emg", _items(3000))
    whole = (tmp_path / "a.emg").read_bytes()
    chance = random.Random(1)
    cut = tmp_path / "cut.emg"
    said = []
    for length in [0, 1, 15, 16, 99, 100, 101, 32_768, *(chance.randrange(len(whole)) for _ in range(25)), len(whole) - 1]:
        cut.write_bytes(whole[:length])
        try:
            recording = Recording.open(cut)
        except RecordingError as error:
            said.append(str(error))
            continue
        packets = [i for i in _read(recording) if isinstance(i, Packet)]
        assert packets == [_packet(n) for n in range(len(packets))]
        said.append(str(recording.recovered))
    assert all("cut.emg" in line and "\n" not in line for line in said)


def test_damage_inside_is_an_error_and_never_wrong_packets(session: Session, tmp_path: Path) -> None:
    session.record(tmp_path / "a.emg", _items(10_000))
    with (tmp_path / "a.emg").open("r+b") as file:
        file.seek(15 * 32_768)
        file.write(bytes(32_768))
    recording = Recording.open(tmp_path / "a.emg")
    with pytest.raises(RecordingError, match=r"a\.emg is damaged .*: restore it from a copy"):
        _read(recording)


def test_what_is_no_recording_is_named(session: Session, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="There is no recording"):
        Recording.open(tmp_path / "none.emg")
    with pytest.raises(RecordingError, match="Cannot read"):
        Recording.open(tmp_path)
    text = tmp_path / "text.emg"
    text.write_text("time_s,emg_uV\n" * 100)
    with pytest.raises(NotARecordingError, match="not a gluteemg recording"):
        Recording.open(text)
    other = tmp_path / "other.emg"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE t (x)")
    db.close()
    with pytest.raises(NotARecordingError, match="another program"):
        Recording.open(other)
    session.record(tmp_path / "newer.emg", _items(1))
    db = sqlite3.connect(tmp_path / "newer.emg")
    db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(NewerFormatError, match="format 2, this gluteemg reads up to 1: update gluteemg"):
        Recording.open(tmp_path / "newer.emg")


def test_a_reader_that_stops_half_way_leaves_nothing_open(session: Session, tmp_path: Path) -> None:
    session.record(tmp_path / "a.emg", _items(1000))
    blocks = Recording.open(tmp_path / "a.emg").items(0.1)
    assert len(next(blocks)) == 15
    del blocks  # an open database would be a warning, and so an error
