from __future__ import annotations

import time
from pathlib import Path

import pytest

from gluteemg.recording.file import Recording
from gluteemg.recording.replay import ReplaySource
from gluteemg.sensors.source import Event, Item, Packet, PacketKind, Source

from .conftest import Session

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def items() -> list[Item]:
    """A minute of two sensors, 20 packets a second each, one lost on the way and found again, three events."""
    items: list[Item] = [Event("marker", {"text": "before all"})]
    for number in range(1200):
        t_ns = 7 * 10**9 + number * 50_000_000
        items += [Packet("uMyo-1", t_ns, b"a"), Packet("uMyo-2", t_ns + 3_000_000, b"b")]
        if number == 600:
            items += [Packet("uMyo-1", t_ns, b"gone", PacketKind.DISCONNECT), Event("pause", {})]
    return [*items, Event("marker", {"text": "after all"})]


@pytest.fixture
def recording(session: Session, tmp_path: Path, items: list[Item]) -> Recording:
    session.record(tmp_path / "a.emg", items)
    return Recording.open(tmp_path / "a.emg")


async def _play(source: Source) -> list[list[Item]]:
    return [list(batch) async for batch in source.batches()]


async def test_a_replay_gives_what_was_recorded(recording: Recording, items: list[Item], session: Session) -> None:
    source = ReplaySource(recording)
    batches = await _play(source)
    assert [item for batch in batches for item in batch] == items
    assert 3 <= len(batches) <= 6  # a minute in blocks of about 20 s
    assert source.profiles == session.profiles


async def test_a_paced_replay_gives_the_same_in_smaller_batches(recording: Recording, items: list[Item]) -> None:
    began_s = time.monotonic()
    batches = await _play(ReplaySource(recording, speed=1000))
    passed_s = time.monotonic() - began_s
    assert [item for batch in batches for item in batch] == items
    assert passed_s >= recording.duration_s / 1000
    assert len(batches) > 10
    assert all(batches)


async def test_no_packet_comes_before_its_time(recording: Recording) -> None:
    speed, began_s, zero_ns = 500, time.monotonic(), int(recording.meta["zero_ns"])
    async for batch in ReplaySource(recording, speed=speed).batches():
        latest_ns = max((item.t_ns for item in batch if isinstance(item, Packet)), default=zero_ns)
        assert time.monotonic() - began_s >= (latest_ns - zero_ns) / 1e9 / speed - 1e-3


async def test_a_replay_that_is_left_half_way_leaves_nothing_open(recording: Recording) -> None:
    batches = ReplaySource(recording, speed=1000).batches()
    assert await anext(batches)
    await batches.aclose()
