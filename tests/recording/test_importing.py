from __future__ import annotations

import csv
import os
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gluteemg.errors import GluteemgError, ImportFileError, RecordingError, RoleError
from gluteemg.muscles import Role
from gluteemg.recording.file import Recording
from gluteemg.recording.importing import Imported, import_csv
from gluteemg.sensors.clock import SensorClock
from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.source import Packet

_DATA = Path(__file__).parents[2].parent / "shared/data"
_GLUTE, _HAMS = Role("gluteus_maximus", "right"), Role("hamstrings", "right")


def _table(times: NDArray[np.float64], *, decimals: int = 6, names: str = "glute_uV,hams_mV") -> str:
    rows = [f"{t:.{decimals}f},{i % 97 - 48},{(i % 31) / 1000}" for i, t in enumerate(times.tolist())]
    return "\n".join(["# made for a test", f"time_s,{names}", *rows, ""])


def _import(folder: Path, text: str, channels: Mapping[str, Role] | None = None, unit: str | None = None) -> Imported:
    source = folder / "table.csv"
    source.write_text(text, encoding="utf-8")
    wanted = {"glute_uV": _GLUTE, "hams_mV": _HAMS} if channels is None else channels
    return import_csv(source, folder / "table.emg", wanted, unit=unit)


def _decoded(path: Path) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Give session time and microvolts of every sensor, by the same decoder and clock as in a session."""
    recording = Recording.open(path)
    packets = [p for block in recording.items(0.7) for p in block if isinstance(p, Packet)]
    decoded = {}
    for name, profile in recording.profiles.items():
        mine = [p for p in packets if p.sensor == name]
        chunk = Decoder(profile).decode([p.data for p in mine], np.array([p.t_ns for p in mine]))
        clock = SensorClock(profile.signal.rate_hz, exact=profile.signal.timing == "index")
        assert chunk.rejected == 0
        times_s, _ = clock.times(chunk, np.array([p.t_ns / 1e9 for p in mine]))
        decoded[name] = times_s, chunk.emg[:, 0]
    assert packets[0].t_ns == 0  # session zero is the file's zero
    return decoded


def test_values_come_back_in_microvolts_at_their_time(tmp_path: Path) -> None:
    times = np.arange(2500) / 1000
    imported = _import(tmp_path, _table(times))
    assert (imported.rate_hz, imported.gaps, imported.samples, imported.left_out) == (1000, 0, 2500, ())
    assert imported.duration_s == pytest.approx(2.499)
    assert imported.missing == {"glute_uV": 0, "hams_mV": 0}
    decoded = _decoded(imported.path)
    for name in decoded:
        np.testing.assert_allclose(decoded[name][0], times, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(decoded["glute_uV"][1], np.arange(2500) % 97 - 48)
    np.testing.assert_array_equal(decoded["hams_mV"][1], np.arange(2500) % 31 / 1000 * 1000)


def test_a_file_that_starts_late_keeps_its_time(tmp_path: Path) -> None:
    times = 312.5 + np.arange(300) / 1000
    decoded = _decoded(_import(tmp_path, _table(times)).path)
    np.testing.assert_allclose(decoded["hams_mV"][0], times, rtol=0, atol=1e-9)


def test_a_hole_in_one_column_stays_in_that_column(tmp_path: Path) -> None:
    lines = _table(np.arange(1000) / 1000).splitlines()
    for row in range(100, 150):
        t, glute, _ = lines[2 + row].split(",")
        lines[2 + row] = f"{t},{glute},{'' if row % 2 else 'NaN'}"
    lines[2] = "0.000000,,5"
    imported = _import(tmp_path, "\n".join(lines))
    assert imported.missing == {"glute_uV": 1, "hams_mV": 50}
    decoded = _decoded(imported.path)
    np.testing.assert_allclose(decoded["glute_uV"][0], np.arange(1, 1000) / 1000, rtol=0, atol=1e-9)
    np.testing.assert_allclose(decoded["hams_mV"][0], np.delete(np.arange(1000), np.s_[100:150]) / 1000, rtol=0, atol=1e-9)


def test_a_step_in_time_is_a_gap_in_every_column(tmp_path: Path) -> None:
    times = np.arange(3000) / 2000
    times[1000:] += 7.0  # seven seconds of pause
    times[2000:] += 0.4 / 2000  # less than half a sample: no gap
    times[2500:] += 0.8 / 2000  # together more than half a sample: one missing
    imported = _import(tmp_path, _table(times))
    assert (imported.rate_hz, imported.gaps) == (2000, 2)
    assert imported.missing == {"glute_uV": 14_001, "hams_mV": 14_001}
    for t_s, emg_uv in _decoded(imported.path).values():
        assert len(emg_uv) == 3000
        np.testing.assert_allclose(t_s, times, rtol=0, atol=0.5 / 2000)


@pytest.mark.parametrize(("rate_hz", "decimals"), [(1024, 4), (1925.9259, 5), (2148.1481, 6), (500, 3)])
def test_times_that_were_rounded_for_print_give_the_true_rate(tmp_path: Path, rate_hz: float, decimals: int) -> None:
    imported = _import(tmp_path, _table(1.25 + np.arange(20_000) / rate_hz, decimals=decimals))
    assert imported.gaps == 0
    assert imported.rate_hz == pytest.approx(rate_hz, rel=1e-5)


@pytest.mark.parametrize("spread_s", [0.0002, 0.00049])
def test_times_that_jitter_below_half_a_sample_lose_nothing(tmp_path: Path, spread_s: float) -> None:
    chance = np.random.default_rng(7)
    times = 0.5 + np.arange(8000) / 1000
    times[5000:] += 0.3  # and a gap
    jittered = times + chance.uniform(-spread_s, spread_s, len(times))
    imported = _import(tmp_path, _table(jittered))
    assert imported.gaps == 1
    assert imported.missing == {"glute_uV": 300, "hams_mV": 300}
    for t_s, emg_uv in _decoded(imported.path).values():
        assert len(emg_uv) == 8000
        np.testing.assert_allclose(t_s - t_s[0], times - times[0], rtol=0, atol=0.0005)


def test_a_few_times_that_stray_by_a_sample_keep_their_place(tmp_path: Path) -> None:
    times = np.arange(4000) / 1000 + np.random.default_rng(1).normal(0, 0.0002, 4000)
    imported = _import(tmp_path, _table(np.sort(times) - times.min()))
    assert (imported.gaps, imported.missing) == (0, {"glute_uV": 0, "hams_mV": 0})


def test_times_that_jitter_by_a_whole_sample_are_refused_with_their_line(tmp_path: Path) -> None:
    times = np.sort(np.arange(4000) / 1000 + np.random.default_rng(1).uniform(0, 0.006, 4000))
    with pytest.raises(ImportFileError, match=r"Line \d+ of .*: time_s jitters by more than half of its usual step"):
        _import(tmp_path, _table(times, decimals=9))


def test_a_file_that_starts_after_a_day_costs_no_more_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        imported = _import(tmp_path, _table(80_000 + np.arange(4000) / 1000))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20e6
    assert imported.duration_s == pytest.approx(3.999)
    assert sum(len(block) for block in Recording.open(imported.path).items()) < 100


def test_columns_that_nobody_named_are_left_out_and_listed(tmp_path: Path) -> None:
    text = _table(np.arange(100) / 1000, names="glute_uV,knee_deg")
    imported = _import(tmp_path, text, {"glute_uV": _GLUTE})
    assert imported.left_out == ("knee_deg",)
    assert imported.columns == {"glute_uV": _GLUTE}


def test_the_option_gives_the_unit_that_a_name_does_not(tmp_path: Path) -> None:
    text = _table(np.arange(100) / 1000, names="glute,hams_mV")
    imported = _import(tmp_path, text, {"glute": _GLUTE, "hams_mV": _HAMS}, unit="MV")
    decoded = _decoded(imported.path)
    assert decoded["glute"][1][0] == -48_000
    assert decoded["hams_mV"][1][1] == 1


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_semicolons_tabs_and_a_mark_at_the_start_are_read(tmp_path: Path, delimiter: str) -> None:
    text = "\ufeff" + _table(np.arange(100) / 1000).replace(",", delimiter).replace("\n", "\r\n") + "\r\n\r\n"
    assert _import(tmp_path, text).samples == 100


def test_the_time_column_may_stand_anywhere(tmp_path: Path) -> None:
    lines = [",".join(reversed(line.split(","))) for line in _table(np.arange(100) / 1000).splitlines()]
    imported = _import(tmp_path, "\n".join(lines))
    assert _decoded(imported.path)["glute_uV"][1][0] == -48


def test_an_import_says_where_its_date_comes_from(tmp_path: Path) -> None:
    source = tmp_path / "table.csv"
    source.write_text(_table(np.arange(100) / 1000))
    os.utime(source, (1.5e9, 1.5e9))
    import_csv(source, tmp_path / "a.emg", {"glute_uV": _GLUTE})
    recording = Recording.open(tmp_path / "a.emg")
    assert recording.started == datetime.fromtimestamp(1.5e9, UTC)
    assert recording.meta["started_from"] == "time of the imported file"
    assert recording.meta["imported_from"] == "table.csv"
    (profile, *_) = recording.profiles.values()
    assert (profile.id, profile.layout, profile.signal.timing) == ("imported-csv", "generated", "index")


_ROWS = "0.000,1,2\n0.001,1,2\n0.002,1,2\n"
_HEAD = "time_s,glute_uV,hams_mV\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no row of column names"),
        ("# only a comment\n", "no row of column names"),
        ("t,glute_uV,hams_mV\n" + _ROWS, "no column time_s .* line 1, which has t, glute_uV, hams_mV"),
        ("time_s,glute_uV,ham_mV\n" + _ROWS, "no signal column hams_mV: choose from glute_uV, ham_mV"),
        ("time_s,glute_uV,hams_mV,hams_mV\n0,1,2,3\n", "two columns named hams_mV"),
        (_HEAD, "fewer than two rows"),
        (_HEAD + "0,1,2\n", "fewer than two rows"),
        ("# c\n\n" + _HEAD + _ROWS + "0.003,1\n", "Line 7 of .* has 2 cells, not 3"),
        (_HEAD + _ROWS + "0.003,1,2,3\n", "Line 5 of .* has 4 cells, not 3"),
        (_HEAD + _ROWS + "\n0.003,1,off\n", "Line 6 of .*, column hams_mV: 'off' is not a number"),
        (_HEAD.replace(",", ";") + "0,000;1;2\n0,001;1;2\n", "Line 2 of .*, column time_s: '0,000' .* with a decimal point"),
        (_HEAD + _ROWS + "0.002,1,2\n", "Line 5 of .*: time_s does not grow"),
        (_HEAD + _ROWS + "\n0.001,1,2\n", "Line 6 of .*: time_s does not grow"),
        (_HEAD + _ROWS + ",1,2\n", "Line 5 of .* has no time"),
        (_HEAD + "-0.001,1,2\n" + _ROWS, "Line 2 of .*: time_s is -0.001. Count the seconds from the start"),
        (_HEAD + "1.6e9,1,2\n1600000000.001,1,2\n", "time_s is 1.6e"),
        (_HEAD + "0,1,2\n1,1,2\n2,1,2\n", "1 samples a second, .* is time_s in seconds"),
        (_HEAD + _ROWS + "0.003,1,2\n0.0031,1,2\n0.0032,1,2\n", "Line 7 of .*: time_s jitters by more than half .* 0.001 s"),
        (_HEAD + "0,1,\n0.001,1,\n", "Column hams_mV .* holds no numbers"),
        (_HEAD + _ROWS + "\n0.003,1e308,2\n", r"Line 6 of .*, column glute_uV: 1e\+308 is beyond any muscle: check the unit"),
        (_HEAD + "0,1,2\n0.001,1,-1000001\n", "Line 3 of .*, column hams_mV: -1e.* is beyond any muscle"),
        (_HEAD + "0,1,2\n0.001,inf,2\n", "Line 3 of .*, column glute_uV: inf is beyond any muscle"),
        ("time_s,glute_uV,hams_mV\n\0\n", "is not text"),
    ],
)
def test_what_cannot_be_imported_is_said_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message) as error:
        _import(tmp_path, text)
    assert "\n" not in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize(
    ("channels", "unit", "message"),
    [
        ({}, None, "No column was chosen: give at least one of glute_uV, hams"),
        ({"time_s": _GLUTE}, None, "no signal column time_s"),
        ({"hams": _HAMS}, None, "Column hams does not say its unit.* --unit"),
        ({"hams": _HAMS}, "ohm", "Unknown unit 'ohm' for column hams"),
        ({"glute_uV": _GLUTE}, "mV", "Column glute_uV says uV, --unit says mV: leave --unit out, or rename the column"),
        ({"glute_uV": _GLUTE}, "ohm", "Unknown unit 'ohm'"),
        ({"hams": _GLUTE, "glute_uV": _GLUTE}, "uV", "given to two channels"),
    ],
)
def test_a_wrong_choice_of_columns_is_said(tmp_path: Path, channels: dict[str, Role], unit: str | None, message: str) -> None:
    with pytest.raises((ImportFileError, RoleError), match=message):
        _import(tmp_path, _table(np.arange(100) / 1000, names="glute_uV,hams"), channels, unit)


def test_an_import_writes_over_nothing_and_needs_its_source(tmp_path: Path) -> None:
    _import(tmp_path, _table(np.arange(100) / 1000))
    with pytest.raises(RecordingError, match="exists already"):
        _import(tmp_path, _table(np.arange(100) / 1000))
    with pytest.raises(ImportFileError, match=r"Cannot read .*none\.csv: No such file"):
        import_csv(tmp_path / "none.csv", tmp_path / "b.emg", {"glute_uV": _GLUTE})


def test_half_an_import_is_taken_away(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    text = _table(np.arange(60_000) / 1000)
    (tmp_path / "table.emg.keep").touch()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(text) + 1, hard))
        with pytest.raises(RecordingError, match="stopped"):
            _import(tmp_path, text, {"glute_uV": _GLUTE, "hams_mV": _HAMS})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["table.csv", "table.emg.keep"]


@pytest.mark.skipif(not _DATA.is_dir(), reason="the optional folder of test data is not there")
@pytest.mark.parametrize(
    ("name", "columns", "unit", "missing"),
    [
        ("biceps_bursts_plux", ["biceps_brachii_mV"], None, [0]),
        ("gait_glutes_hamstrings", ["gluteus_maximus_uV", "gluteus_medius_uV", "biceps_femoris_uV"], None, [0, 0, 0]),
        ("knee_flexion_standing", ["biceps_femoris_mV", "semitendinosus_mV"], None, [0, 0]),
        ("onset_simulated", ["snr5dB", "snr80dB"], "mV", [541, 1477]),
    ],
)
def test_a_real_file_comes_back_number_for_number(
    tmp_path: Path, name: str, columns: list[str], unit: str | None, missing: list[int]
) -> None:
    source = _DATA / f"{name}.csv"
    roles = {column: Role(f"other{i}", "left") for i, column in enumerate(columns)}
    imported = import_csv(source, tmp_path / "a.emg", roles, unit=unit)
    assert imported.rate_hz == 1000
    assert imported.gaps == 0
    assert list(imported.missing.values()) == missing
    rows = list(csv.DictReader(line for line in source.read_text().splitlines() if not line.startswith("#")))
    table = {name: np.array([float(row[name] or "nan") for row in rows]) for name in ("time_s", *columns)}
    for column, (t_s, emg_uv) in _decoded(imported.path).items():
        there = np.isfinite(table[column])
        np.testing.assert_allclose(t_s, table["time_s"][there], rtol=0, atol=1e-9)
        np.testing.assert_array_equal(emg_uv, table[column][there] * (1 if column.endswith("uV") else 1000))


@pytest.mark.skipif(not _DATA.is_dir(), reason="the optional folder of test data is not there")
def test_a_table_of_words_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(GluteemgError, match="column event: 'touch_down' is not a number"):
        import_csv(_DATA / "gait_glutes_hamstrings_events.csv", tmp_path / "a.emg", {"event": _GLUTE}, unit="uV")
