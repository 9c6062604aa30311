"""Whatever a sensor or a file brings: finite numbers, or nothing and the reason; never an error that nobody named."""

from __future__ import annotations

import csv
import json
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.script import BRIDGE, Script, led

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.frame import Frames
from gluteemg.activation.pipeline import Update
from gluteemg.errors import ImportFileError
from gluteemg.muscles import Placement, Role
from gluteemg.recording.file import Recorder, Recording
from gluteemg.recording.importing import import_csv
from gluteemg.report.analysis import analyse
from gluteemg.report.document import Repetition
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import SimulatedSensor
from gluteemg.sensors.source import Item, Packet, PacketKind
from gluteemg.session import Moment, Session

WORN = {"G": Role("gluteus_maximus", "left"), "H": Role("hamstrings", "left")}
PLACEMENTS = [Placement(name, 0, role) for name, role in WORN.items()]
RATE_HZ = 1000
SECONDS = 20.0
RAIL_UV = 8191.75
PROFILE = """
schema_version = 2
id = "extreme"
name = "One channel"
vendor = "this test"
source = "this test"
layout = "generated"
hardware = "none"
[signal]
kind = "raw"
channels = {channels}
rate_hz = {rate_hz}
unit = "uV"
lsb = 0.25
low = -32768
high = 32767
[counter]
counts = "samples"
[[packets]]
header = [{{ field = "counter", type = "u32le" }}]
record = [{{ field = "emg", type = "i16le", count = {channels} }}]
"""
Signal = NDArray[np.float64]


def worn_profile(rate_hz: int = RATE_HZ) -> FirmwareProfile:
    return FirmwareProfile.parse(PROFILE.format(rate_hz=rate_hz, channels=1), "extreme")


@cache
def calm() -> Signal:
    """Twenty seconds of someone who rests, squeezes, digs and does three even bridges: microvolts, shape (n, 2)."""
    person = Person(SCENARIOS["shared"], 1)
    sensors = [SimulatedSensor(name, worn_profile(), [role], person) for name, role in WORN.items()]
    return np.column_stack([s.emg(0, round(SECONDS * RATE_HZ))[:, 0] for s in sensors])


def with_silent_hamstrings(level_uv: float) -> Signal:
    emg = calm().copy()
    emg[:, 1] = level_uv * np.random.default_rng(1).standard_normal(len(emg))
    return emg


def with_hamstrings_at_the_rail_from(second: float) -> Signal:
    emg = calm().copy()
    emg[round(second * RATE_HZ) :, 1] = RAIL_UV
    return emg


def clipped(most_uv: float) -> Signal:
    return np.where(np.abs(calm()) > most_uv, np.sign(calm()) * RAIL_UV, calm())


EXTREMES: Mapping[str, Callable[[], Signal]] = {
    "all zeros": lambda: np.zeros_like(calm()),
    "both at the rail": lambda: np.full_like(calm(), RAIL_UV),
    "one at each rail": lambda: np.tile([-RAIL_UV, RAIL_UV], (len(calm()), 1)),
    "from rail to rail": lambda: np.where(np.arange(len(calm()))[:, None] % 2, RAIL_UV, -RAIL_UV) * np.ones(2),
    "hamstrings all zeros": lambda: with_silent_hamstrings(0.0),
    "hamstrings only noise": lambda: with_silent_hamstrings(2.5),
    "hamstrings at the rail from the first repetition on": lambda: with_hamstrings_at_the_rail_from(9.5),
    "peaks at the rail": lambda: clipped(40.0),
    "a step of half the range": lambda: calm() + np.where(np.arange(len(calm()))[:, None] > 12_000, 4000.0, 0.0),
    "swapped": lambda: calm()[:, ::-1],
    "a millionth of a volt of everything": lambda: 1e-3 * calm(),
    "three samples": lambda: calm()[:3],
    "one sample": lambda: calm()[:1],
}
UNSCORED = frozenset(EXTREMES) - {"peaks at the rail", "a step of half the range", "swapped"}
"""Nothing can be told of these by a session that takes its own references; of the others it depends on the moment."""
UNSCORED_IN_FILES = UNSCORED - {
    "from rail to rail",  # a file does not say where its converter ends
    "hamstrings only noise",  # with references from elsewhere the glutes lead, by as much as can be told
    "hamstrings at the rail from the first repetition on",  # until then all is well
}


def packets_of(emg: Signal, *, size: int = 20, rate_hz: int = RATE_HZ, first: int = 0) -> list[Item]:
    """What two sensors send of this: each packet arrives with its last sample."""
    profile = worn_profile(rate_hz)
    encoder = Encoder(profile)
    items: list[Item] = []
    for start in range(0, len(emg), size):
        t_ns = round((first + min(start + size, len(emg))) / rate_hz * 1e9)
        for channel, name in enumerate(WORN):
            items.append(Packet(name, t_ns, encoder.encode(emg[start : start + size, [channel]], first + start)))
    return items


def connected(items: Sequence[Item]) -> list[Item]:
    return [*(Packet(name, 0, b"", PacketKind.CONNECT) for name in WORN), *items]


class Worn(Script):
    """A source of these two sensors."""

    @property
    def profiles(self) -> Mapping[str, FirmwareProfile]:
        return dict.fromkeys(WORN, worn_profile())


def live(items: Sequence[Item]) -> tuple[Moment, list[Update]]:
    """A session that takes its own references, as `gluteemg train` does."""
    updates: list[Update] = []
    source = Worn(connected(items), size=50)
    with Session(source, PLACEMENTS, led("demo"), listeners=[updates.append]) as session:
        session.wait(60)
    return session.moment, updates


def assert_finite(frames: Frames) -> None:
    """What is not known is NaN in the arrays and None in a frame; nothing is infinite."""
    for name in ("envelope", "envelope_fast", "activation", "activation_fast", "ln_ratio", "rep_elapsed_s"):
        assert not np.isinf(getattr(frames, name)).any(), name
    for i in range(0, len(frames), 50):
        frame = frames[i]
        numbers = [*frame.activation.values(), *frame.activation_fast.values(), frame.ln_ratio, frame.share]
        assert all(n is None or np.isfinite(n) for n in numbers)


def analysed(path: Path, calibration: Calibration | None = None) -> dict[str, Any]:
    """The document as a program reads it: plain JSON, in which NaN does not exist."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in the JSON")

    text = analyse(Recording.open(path), BRIDGE, calibration).model_dump_json()
    document: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return document


def references() -> Calibration:
    levels = (
        Level(role="gluteus_maximus:left", floor=2.3, reference=60),
        Level(role="hamstrings:left", floor=2.3, reference=150),
    )
    return Calibration(method="submaximal", floor_method="rest", levels=levels)


def table(path: Path, emg: Signal, t_s: NDArray[np.float64] | None = None) -> Path:
    """Write a CSV; NaN as other programs write it."""
    times = np.arange(len(emg)) / RATE_HZ if t_s is None else t_s
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time_s", "G_uV", "H_uV"])
        rows.writerows([f"{t:.6f}", *(f"{v:.3f}" for v in row)] for t, row in zip(times.tolist(), emg.tolist(), strict=True))
    return path


def imported(folder: Path, emg: Signal, t_s: NDArray[np.float64] | None = None) -> Path:
    columns = {f"{name}_uV": role for name, role in WORN.items()}
    return import_csv(table(folder / "x.csv", emg, t_s), folder / "x.emg", columns).path


def assert_refused(document: Mapping[str, Any]) -> None:
    """Nothing is scored, and the summary says why."""
    summary = document["summary"]
    assert summary["scored"] == 0
    assert summary["share"] is None
    assert summary["why_no_share"]
    for rep in document["reps"]:
        assert rep["share"] is None
        assert rep["ratio"] is None
        assert rep["reasons"]


@pytest.mark.parametrize("name", EXTREMES)
def test_a_session_survives_and_says_nothing_that_is_no_number(name: str) -> None:
    moment, updates = live(packets_of(EXTREMES[name]()))
    for update in updates:
        assert_finite(update.frames)
    for rep in moment.reps:
        Repetition.of(rep).model_dump_json()  # refuses NaN and infinity
        assert rep.scored == (rep.ln_ratio is not None)
        assert rep.scored or rep.reasons
    if name in UNSCORED:
        assert not any(rep.scored for rep in moment.reps)


@pytest.mark.parametrize("given", [None, references()], ids=["without references", "with references"])
@pytest.mark.parametrize("name", [name for name in EXTREMES if name != "one sample"])
def test_an_import_survives_and_tells_numbers_or_why_not(tmp_path: Path, name: str, given: Calibration | None) -> None:
    document = analysed(imported(tmp_path, EXTREMES[name]()), given)
    if given is None or name in UNSCORED_IN_FILES:
        assert_refused(document)


def test_a_file_of_one_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="fewer than two rows"):
        imported(tmp_path, EXTREMES["one sample"]())


@pytest.mark.parametrize(
    ("name", "reason"),
    [("all zeros", "flat"), ("both at the rail", "flat"), ("one at each rail", "flat"), ("from rail to rail", "heavy_clipped")],
)
def test_what_is_no_signal_is_called_unusable_and_by_its_name(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / "x.emg"
    with Recorder(path, dict.fromkeys(WORN, worn_profile()), PLACEMENTS) as recorder:
        recorder.put(connected(packets_of(EXTREMES[name]())))
    document = analysed(path, references())
    assert_refused(document)
    for muscle in document["muscles"]:
        assert muscle["quality"] == "unusable"
        assert reason in muscle["reasons"]


def test_one_silent_muscle_leaves_the_other_ones_activation(tmp_path: Path) -> None:
    document = analysed(imported(tmp_path, with_silent_hamstrings(0.0)), references())
    assert document["summary"]["reps"] >= 3
    worked = [rep["activation"]["gluteus_maximus:left"] for rep in document["reps"]]
    assert all(a is not None and 0 <= a < 2 for a in worked)
    assert {m["muscle"]: m["quality"] for m in document["muscles"]}["gluteus_maximus"] == "good"


def spoilt(where: slice | NDArray[np.int64], columns: Sequence[int] = (0, 1)) -> Signal:
    emg = calm().copy()
    for column in columns:
        emg[where, column] = np.nan
    return emg


@pytest.mark.parametrize(
    ("name", "emg"),
    [
        ("a cell here and there", lambda: spoilt(np.arange(13, 20_000, 997), (0,))),
        ("every other row", lambda: spoilt(slice(1, None, 2))),
        ("a second of one muscle", lambda: spoilt(slice(11_000, 12_000), (1,))),
        ("the rest of one muscle", lambda: spoilt(slice(10, None), (1,))),
        ("all but three samples", lambda: spoilt(slice(3, None))),
        ("the beginning", lambda: spoilt(slice(None, 9_000))),
    ],
)
def test_nan_in_a_file_is_a_sample_that_is_missing(tmp_path: Path, name: str, emg: Callable[[], Signal]) -> None:
    path = imported(tmp_path, emg())
    for given in (None, references()):
        document = analysed(path, given)
        if given is None or name in ("every other row", "the rest of one muscle", "all but three samples"):
            assert_refused(document)
    if name == "a cell here and there":
        assert document["summary"]["scored"] >= 3
        assert document["summary"]["share"] == pytest.approx(0.5, abs=0.05)


def test_a_column_of_nothing_but_nan_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="H_uV"):
        imported(tmp_path, spoilt(slice(None), (1,)))
    assert not (tmp_path / "x.emg").exists()


def test_infinity_in_a_file_is_refused_with_its_line(tmp_path: Path) -> None:
    emg = calm()[:100].copy()
    emg[50, 0] = np.inf
    with pytest.raises(ImportFileError, match="Line 52"):
        imported(tmp_path, emg)


DAY_S = 24 * 3600


def in_the_middle_of_a_bridge() -> Signal:
    """More than a second of work, without its beginning and its end."""
    return calm()[10_700:12_000]


@pytest.mark.slow
def test_a_day_with_a_packet_now_and_then_is_a_day_with_holes_and_fits_into_memory(tmp_path: Path) -> None:
    """A second of every hour arrives: what was not heard before was no rest, so nothing is a repetition."""
    path, burst = tmp_path / "day.emg", in_the_middle_of_a_bridge()
    with Recorder(path, dict.fromkeys(WORN, worn_profile()), PLACEMENTS) as recorder:
        recorder.put(connected([]))
        for hour in range(24):
            recorder.put(packets_of(burst, first=hour * 3600 * RATE_HZ))
    tracemalloc.start()
    document = analysed(path, references())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6
    assert document["duration_s"] == pytest.approx(23 * 3600, abs=2)
    assert_refused(document)
    assert {muscle["quality"] for muscle in document["muscles"]} == {"lost"}


def test_an_imported_day_of_a_few_rows_stays_finite(tmp_path: Path) -> None:
    burst = in_the_middle_of_a_bridge()
    t_s = np.concatenate([hour * 3600 + np.arange(len(burst)) / RATE_HZ for hour in range(0, 24, 3)])
    document = analysed(imported(tmp_path, np.tile(burst, (8, 1)), t_s), references())
    assert document["duration_s"] == pytest.approx(21 * 3600, abs=2)
    assert_refused(document)


@pytest.mark.slow
def test_a_whole_day_of_bridges_stays_finite(tmp_path: Path) -> None:
    """Twenty-four hours at 200 Hz, the lowest rate that is taken: 35 million samples, 26,000 repetitions."""
    rate_hz, path = 200, tmp_path / "day.emg"
    profile = FirmwareProfile.parse(PROFILE.format(rate_hz=rate_hz, channels=2), "extreme")
    person = Person(SCENARIOS["shared"], 1, steps=(), first_rep_s=5.0)
    hour = SimulatedSensor("body", profile, list(WORN.values()), person).emg(0, 3600 * rate_hz)
    placements = [Placement("body", channel, role) for channel, role in enumerate(WORN.values())]
    encoder, size = Encoder(profile), 2 * rate_hz
    with Recorder(path, {"body": profile}, placements) as recorder:
        for start in range(0, DAY_S * rate_hz, size):
            at = start % len(hour)
            t_ns = round((start + size) / rate_hz * 1e9)
            recorder.put([Packet("body", t_ns, encoder.encode(hour[at : at + size], start))])
    document = analysed(path, references())
    assert document["duration_s"] == pytest.approx(DAY_S, abs=3)
    assert document["summary"]["scored"] > 20_000
    assert document["summary"]["share"] == pytest.approx(0.5, abs=0.02)
