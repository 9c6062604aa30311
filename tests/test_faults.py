"""What can go wrong between a sensor and the person, and what the person then sees: the rows of docs/faults.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.script import PLACEMENTS, PROFILES, Script, led, simulated

from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.activation.pipeline import Update
from gluteemg.demo import WORN
from gluteemg.processing.quality import Flag
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.simulator import SimulatedSensor, simulated_packets
from gluteemg.sensors.source import Event, Item, Packet, PacketKind
from gluteemg.session import Moment, Session

SENSOR = "uMyo-HS"
COLUMN = list(WORN).index(SENSOR)
AT_S = 12.0
SECONDS = 19.0
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Seen:
    """What a session showed."""

    frames: Frames
    moment: Moment

    def flags(self, from_s: float, to_s: float) -> set[Flag]:
        """What was said of the sensor with the fault."""
        rows = slice(*(round(t * FRAME_RATE_HZ) for t in (from_s, to_s)))
        return {Flag(f) for f in np.unique(self.frames.flags[rows, COLUMN]).tolist()}


def see(items: Sequence[Item]) -> Seen:
    updates: list[Update] = []
    source = Script(items)
    with Session(source, PLACEMENTS, led("demo"), listeners=[updates.append]) as session:
        session.wait(60)
    return Seen(Frames.join([u.frames for u in updates]), session.moment)


@pytest.fixture(scope="module")
def clean() -> list[Item]:
    return simulated(seconds=SECONDS)


@pytest.fixture(scope="module")
def untouched(clean: list[Item]) -> Seen:
    return see(clean)


def numbers(items: Sequence[Item], from_s: float = AT_S, to_s: float = np.inf) -> list[int]:
    """Give the places of the packets with samples of the sensor, from and to a time of the session."""
    assert isinstance(items[0], Packet)
    zero = items[0].t_ns
    return [
        i
        for i, p in enumerate(items)
        if isinstance(p, Packet) and p.sensor == SENSOR and p.data and from_s <= (p.t_ns - zero) / 1e9 < to_s
    ]


def changed(items: Sequence[Item], places: Sequence[int], change: Callable[[bytes], bytes | None]) -> list[Item]:
    """Give the items with the payloads at these places changed, or left out where `change` gives None."""
    wanted = set(places)
    result: list[Item] = []
    for i, item in enumerate(items):
        if i in wanted and isinstance(item, Packet):
            data = change(item.data)
            if data is not None:
                result.append(item._replace(data=data))
        else:
            result.append(item)
    return result


def counted_from(data: bytes, offset: int) -> bytes:
    """Move the counter of a uMyo packet."""
    return ((int.from_bytes(data[:4], "little") + offset) % 2**32).to_bytes(4, "little") + data[4:]


def test_one_lost_packet_is_filled_and_said_so(clean: list[Item]) -> None:
    seen = see(changed(clean, numbers(clean)[:1], lambda _: None))
    assert seen.flags(AT_S - 0.5, AT_S + 0.5) == {Flag.GOOD, Flag.FILLED}
    assert seen.moment.notices == ()


def test_losing_one_packet_in_a_hundred_asks_for_help(clean: list[Item]) -> None:
    seen = see(changed(clean, numbers(clean, 6)[::100], lambda _: None))
    assert Flag.LOSS in seen.flags(10, 18)
    assert Flag.HEAVY_LOSS not in seen.flags(10, 18)


def test_losing_one_packet_in_twenty_mutes_the_share(clean: list[Item]) -> None:
    seen = see(changed(clean, numbers(clean, 10)[::20], lambda _: None))
    assert seen.flags(16, 18) == {Flag.HEAVY_LOSS}
    assert np.isnan(seen.frames.ln_ratio[1600:1800]).all()


def test_a_packet_that_comes_twice_changes_nothing(clean: list[Item], untouched: Seen) -> None:
    twice = [item for i, item in enumerate(clean) for _ in range(2 if i in set(numbers(clean)[::7]) else 1)]
    assert len(twice) > len(clean)
    np.testing.assert_array_equal(see(twice).frames.activation, untouched.frames.activation)


def test_packets_in_the_wrong_order_cost_the_late_one(clean: list[Item]) -> None:
    first, second = numbers(clean)[:2]
    swapped = list(clean)
    one, other = swapped[first], swapped[second]
    assert isinstance(one, Packet)
    assert isinstance(other, Packet)
    swapped[first], swapped[second] = other._replace(t_ns=one.t_ns), one._replace(t_ns=other.t_ns)
    seen = see(swapped)
    assert seen.flags(AT_S - 0.5, AT_S + 0.5) == {Flag.GOOD, Flag.FILLED}


@pytest.mark.parametrize(
    "change",
    [lambda d: d[:-3], lambda d: d + d, lambda _: b"", lambda _: b"?" * 41],
    ids=["truncated", "oversized", "empty", "of-wrong-length"],
)
def test_packets_that_cannot_be_read_are_holes_and_told(clean: list[Item], change: Callable[[bytes], bytes]) -> None:
    seen = see(changed(clean, numbers(clean, 10)[::20], change))
    assert any("uMyo-HS sends packets that its profile cannot read" in notice for notice in seen.moment.notices)
    assert Flag.HEAVY_LOSS in seen.flags(12, 18)
    assert seen.moment.health[SENSOR].unreadable > 0


def test_random_bytes_of_the_right_length_touch_the_limits_of_the_converter(clean: list[Item]) -> None:
    random = np.random.default_rng(1)
    seen = see(changed(clean, numbers(clean)[:1], lambda data: random.bytes(len(data))))
    assert seen.flags(AT_S, AT_S + 1.5) & {Flag.CLIPPED, Flag.HEAVY_CLIPPED}
    assert seen.flags(16, 18) <= {Flag.GOOD, Flag.FILLED}


def test_a_counter_that_jumps_is_a_hole_and_then_forgotten(clean: list[Item]) -> None:
    seen = see(changed(clean, numbers(clean), lambda data: counted_from(data, 1000)))
    assert seen.flags(AT_S, AT_S + 2) & {Flag.SETTLING, Flag.ABSENT, Flag.HEAVY_LOSS}
    assert len(seen.frames) == pytest.approx(SECONDS * FRAME_RATE_HZ, abs=60)


def test_a_sensor_that_restarts_goes_on_where_time_stands(clean: list[Item]) -> None:
    places = numbers(clean)
    first = clean[places[0]]
    assert isinstance(first, Packet)
    begun = int.from_bytes(first.data[:4], "little")
    seen = see(changed(clean, places, lambda data: counted_from(data, -begun)))
    assert seen.flags(AT_S + 1, AT_S + 6) <= {Flag.GOOD, Flag.FILLED, Flag.LOSS}
    assert len(seen.frames) == pytest.approx(SECONDS * FRAME_RATE_HZ, abs=30)


@pytest.mark.parametrize("off", [0.9, 1.1])
def test_a_rate_ten_per_cent_off_is_measured_and_the_filters_follow(off: float) -> None:
    person = Person(SCENARIOS["hamstring-led"], seed=3)
    rate_hz = off * PROFILES[SENSOR].signal.rate_hz
    worn = [SimulatedSensor(n, PROFILES[n], [role], person, rate_hz=rate_hz) for n, role in WORN.items()]
    seen = see(list(simulated_packets(worn, 30.0, seed=3)))
    assert seen.moment.health[SENSOR].rate_hz == pytest.approx(rate_hz, rel=0.001)
    assert seen.flags(12, 29) == {Flag.GOOD}
    assert [rep.led_by for rep in seen.moment.reps if rep.led_by is not None][-1] == "hamstrings"


def test_a_stall_of_the_radio_loses_nothing(clean: list[Item]) -> None:
    """Half a second of silence, then everything at once."""
    places = set(numbers(clean, AT_S, AT_S + 0.5))
    end_ns = max(p.t_ns for i, p in enumerate(clean) if i in places and isinstance(p, Packet)) + 1_000_000
    late = [p._replace(t_ns=end_ns) if i in places and isinstance(p, Packet) else p for i, p in enumerate(clean)]
    assert all(isinstance(p, Packet) for p in late)
    seen = see(sorted(late, key=lambda p: p.t_ns if isinstance(p, Packet) else 0))
    assert Flag.ABSENT in seen.flags(AT_S, AT_S + 1)
    assert seen.flags(AT_S + 1, SECONDS - 1) == {Flag.GOOD}
    assert seen.moment.health[SENSOR].loss == 0


def test_a_sensor_that_is_gone_is_lost_until_it_is_back(clean: list[Item]) -> None:
    places = set(numbers(clean, AT_S, AT_S + 3))
    t_ns = [p.t_ns for i, p in enumerate(clean) if i in places and isinstance(p, Packet)]
    kept: list[Item] = [p for i, p in enumerate(clean) if i not in places]
    gone = Packet(SENSOR, t_ns[0], b"connection lost", PacketKind.DISCONNECT)
    trouble = Event("unreachable", {"sensor": SENSOR, "attempts": 3, "reason": "does not show up"})
    at = next(i for i, p in enumerate(kept) if isinstance(p, Packet) and p.t_ns >= t_ns[0])
    seen = see([*kept[:at], gone, trouble, *kept[at:]])
    assert seen.flags(AT_S + 0.2, AT_S + 2.5) == {Flag.ABSENT}
    assert seen.moment.notices == (f"{SENSOR} does not come back: switch it off and on, and bring it close.",)
    back = Packet(SENSOR, t_ns[-1], b"", PacketKind.CONNECT)
    after = next(i for i, p in enumerate(kept) if isinstance(p, Packet) and p.t_ns >= t_ns[-1])
    again = see([*kept[:at], gone, trouble, *kept[at:after], back, *kept[after:]])
    assert again.moment.notices == ()
    assert again.flags(SECONDS - 2, SECONDS - 1) == {Flag.GOOD}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Event("battery", {"sensor": SENSOR, "value": 12.0, "unit": "%"}), f"{SENSOR} has 12 % left: charge it after"),
        (Event("short_packets", {"sensor": SENSOR, "bytes": 20, "needs": 52}), "carries 20 bytes at a time, it needs 52"),
        (Event("bluetooth", {"usable": False, "reason": "Bluetooth is switched off: switch it on."}), "switch it on"),
    ],
    ids=["battery", "short-packets", "bluetooth"],
)
def test_what_a_source_tells_of_its_sensors_is_said(clean: list[Item], event: Event, said: str) -> None:
    session = see([*clean[:400], event, *clean[400:600]])
    assert [notice for notice in session.moment.notices if said in notice]


def test_a_notice_about_bluetooth_goes_when_it_is_back(clean: list[Item]) -> None:
    off = Event("bluetooth", {"usable": False, "reason": "Bluetooth is switched off: switch it on."})
    on = Event("bluetooth", {"usable": True, "reason": ""})
    assert see([*clean[:400], off, on, *clean[400:600]]).moment.notices == ()


@pytest.mark.parametrize(("page", "at_least"), [("faults.md", 20), ("validity.md", 13)])
def test_every_row_that_must_be_shown_names_a_test_that_there_is(page: str, at_least: int) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    rows = [line for line in text.rpartition("\n## Known answers")[2].splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= at_least
    for row in rows:
        named = re.findall(r"`(tests/[a-z_/]+\.py)::(test_\w+)`", row)
        assert named, row
        for file, test in named:
            assert f"def {test}(" in (ROOT / file).read_text("utf-8"), f"{file} has no {test}"
