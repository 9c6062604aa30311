"""Recordings of other programs, as text tables: a CSV file becomes an ``.emg`` file that replays like any other."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from gluteemg.errors import ImportFileError, RecordingError
from gluteemg.muscles import Placement, Role, check_placements
from gluteemg.recording.container import logs_of
from gluteemg.recording.file import Recorder
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Packet

_TIME = "time_s"
_MICROVOLTS = {"uv": 1.0, "mv": 1e3, "v": 1e6}
_UNIT = re.compile(r"_([uµμm]?V)$", re.IGNORECASE)
_SLOWEST_HZ, _FASTEST_HZ = 50, 100_000
"""Rates that are taken: below, no surface EMG is left (chosen); above, the profile's limit."""
_MOST_UV = 1e9
"""Largest value that is taken (chosen: a thousand volts, far beyond any amplifier)."""
_LONGEST_S = 86_400
"""Latest time that is taken (chosen: a day; more is a clock time, not seconds since the start)."""
_PACKET_S = 0.1
"""Length of a packet (chosen: less than the 150 ms for which an instant waits for the slowest sensor)."""
_BLOCK_LINES = 50_000
"""Lines read at once (chosen: some megabytes)."""
_JITTER_ROWS = 5
"""Rows that decide together where one of them lies (chosen: two stray times among them do no harm)."""

_PROFILE = """\
schema_version = 1
id = "imported-csv"
name = "Imported CSV column"
vendor = "unknown"
source = "made by gluteemg import"
layout = "generated"
hardware = "none"

[signal]
kind = "raw"
channels = 1
rate_hz = {rate_hz!r}
unit = "uV"
timing = "index"
scale_confidence = "exact"
note = "Sample n lies at n / rate_hz seconds of the file's own time; NaN is a sample that the file does not have."

[counter]
counts = "samples"

[[packets]]
header = [{{ field = "counter", type = "i64le" }}]
record = [{{ field = "emg", type = "f64le" }}]
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import took and what it did not.

    Parameters
    ----------
    path : Path
        The new recording.
    columns : mapping of str to Role
        Columns taken; each is a sensor of that name with one channel.
    left_out : tuple of str
        Columns that nobody named.
    rate_hz : float
        Samples a second.
    duration_s : float
        From the first sample to the last.
    samples : int
        Rows read.
    gaps : int
        Places where the time steps over samples.
    missing : mapping of str to int
        Samples that each column lacks: in gaps, empty or NaN.
    """

    path: Path
    columns: Mapping[str, Role]
    left_out: tuple[str, ...]
    rate_hz: float
    duration_s: float
    samples: int
    gaps: int
    missing: Mapping[str, int]


def import_csv(source: Path, target: Path, channels: Mapping[str, Role], *, unit: str | None = None) -> Imported:
    """Turn a table of samples into a recording.

    The file begins with comment lines (``#``), then a row of column names, one of them ``time_s``; commas, semicolons or tabs
    between cells, points in numbers. Times are kept: sample ``n`` is the one at ``n / rate_hz`` seconds, within half a sample;
    the rate is the usual step's, and a step that leaves the grid by more than half a sample is a gap. A single time that strays
    by up to a sample keeps its place among its neighbours. Empty and NaN cells are missing samples of their column alone.

    A table does not say where its converter ended: clipping cannot be seen in an import.

    A table does not say when it was measured: the recording's `started` is the time of the file, and ``started_from`` in its
    ``meta`` says so.

    Parameters
    ----------
    source : Path
        The CSV file.
    target : Path
        The new recording.
    channels : mapping of str to Role
        Columns to take, and what each measures. The others are left out.
    unit : {"uV", "mV", "V"}, optional
        Unit of the columns whose name does not end in one (``_uV``, ``_mV``, ``_V``); where it does, the same.

    Raises
    ------
    ImportFileError
        If the file cannot be read as EMG; the line and column are named where there are some.
    RecordingError
        If `target` exists or cannot be written.
    RoleError
        If a role is given to two columns.
    """
    if target.exists():
        raise RecordingError(f"{target} exists already: choose another name.")
    placements = [Placement(column, 0, role) for column, role in channels.items()]
    check_placements(placements, dict.fromkeys(channels, 1))
    try:
        table = _read(source, channels, unit)
        started = datetime.fromtimestamp(source.stat().st_mtime, UTC)
    except OSError as error:
        raise ImportFileError(f"Cannot read {source}: {error.strerror}. Choose a CSV file.") from error
    rate_hz, index = _grid(table, source)
    profile = FirmwareProfile.parse(_PROFILE.format(rate_hz=rate_hz), "imported-csv")
    notes = {"imported_from": source.name, "started_from": "time of the imported file"}
    recorder = Recorder(target, dict.fromkeys(channels, profile), placements, started=started, notes=notes)
    try:
        with recorder:
            for packets in _packets(index, table.emg_uv, tuple(channels), profile):
                recorder.put(packets)
    except BaseException:
        for left in (target, *logs_of(target)):  # half an import is of no use
            left.unlink(missing_ok=True)
        raise
    span = int(index[-1] - index[0]) + 1
    return Imported(
        path=target,
        columns=dict(channels),
        left_out=table.left_out,
        rate_hz=rate_hz,
        duration_s=float(table.t_s[-1] - table.t_s[0]),
        samples=len(index),
        gaps=int(np.count_nonzero(np.diff(index) > 1)),
        missing=dict(zip(channels, (span - np.isfinite(table.emg_uv).sum(axis=0)).tolist(), strict=True)),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns that were asked for, shape (n,) and (n, n_columns); `lines` says where each row stood."""

    t_s: NDArray[np.float64]
    emg_uv: NDArray[np.float64]
    lines: NDArray[np.int64]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Header:
    """The row of column names, and which of them to read: the time first."""

    names: tuple[str, ...]
    delimiter: str
    wanted: tuple[int, ...]
    line: int


def _read(source: Path, channels: Mapping[str, Role], unit: str | None) -> _Table:
    with source.open("rb") as file:
        if b"\0" in file.read(4096):
            raise ImportFileError(f"{source} is not text: export it as CSV (UTF-8) first.")
    blocks: list[NDArray[np.float64]] = []
    places: list[NDArray[np.int64]] = []
    with source.open(encoding="utf-8-sig", errors="replace") as file:  # a comment may be in any encoding
        header = _read_header(file, source, channels)
        scale = np.array([_microvolts(column, unit) for column in channels])
        line = header.line + 1
        while lines := list(islice(file, _BLOCK_LINES)):
            block, place = _read_block(lines, line, header, source)
            blocks.append(block)
            places.append(place)
            line += len(lines)
    if sum(map(len, blocks)) < 2:
        raise ImportFileError(f"{source} has fewer than two rows of samples: there is nothing to import.")
    values = np.concatenate(blocks)
    left_out = tuple(n for n in header.names if n and n != _TIME and n not in channels)
    lines_of = np.concatenate(places)
    for row, column in np.argwhere(np.abs(values[:, 1:]) > _MOST_UV / scale)[:1]:
        raise ImportFileError(
            f"Line {lines_of[row]} of {source}, column {tuple(channels)[column]}: {values[row, 1 + column]:g} is beyond any "
            f"muscle: check the unit, mend it, or leave it empty."
        )
    table = _Table(values[:, 0], values[:, 1:] * scale, lines_of, left_out)
    for column, finite in zip(channels, np.isfinite(table.emg_uv).sum(axis=0).tolist(), strict=True):
        if not finite:
            raise ImportFileError(f"Column {column} of {source} holds no numbers: leave it out.")
    return table


def _read_header(lines: Iterable[str], source: Path, channels: Mapping[str, Role]) -> _Header:
    """Find the row of column names and the columns that were asked for."""
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        delimiter = max(",;\t", key=line.count)
        names = tuple(name.strip() for name in next(csv.reader([line], delimiter=delimiter)))
        known = ", ".join(n for n in names if n != _TIME)
        if _TIME not in names:
            raise ImportFileError(f"{source} has no column {_TIME} (seconds): name it so in line {number}, which has {known}.")
        if not channels:
            raise ImportFileError(f"No column was chosen: give at least one of {known} in {source} a muscle.")
        for column in channels:
            if column not in names or column == _TIME:
                raise ImportFileError(f"{source} has no signal column {column}: choose from {known}.")
        for column in (_TIME, *channels):
            if names.count(column) > 1:
                raise ImportFileError(f"{source} has two columns named {column}: rename one of them.")
        return _Header(names, delimiter, tuple(names.index(c) for c in (_TIME, *channels)), number)
    raise ImportFileError(f"{source} has no row of column names: write one, with {_TIME}, above the samples.")


def _microvolts(column: str, unit: str | None) -> float:
    """Give what one unit of a column is in microvolts."""
    found = _UNIT.search(column)
    said = found[1] if found else None
    if said is None and unit is None:
        raise ImportFileError(f"Column {column} does not say its unit: end its name in _uV, _mV or _V, or give --unit.")
    factors = [_MICROVOLTS.get(re.sub("[µμ]", "u", name).lower()) for name in (said, unit) if name is not None]
    if factors[-1] is None:
        raise ImportFileError(f"Unknown unit {unit!r} for column {column}: give --unit uV, mV or V.")
    if factors[0] != factors[-1]:
        raise ImportFileError(f"Column {column} says {said}, --unit says {unit}: leave --unit out, or rename the column.")
    return factors[-1]


def _read_block(
    lines: Sequence[str], first: int, header: _Header, source: Path
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read lines that begin with line `first`: shape (n_rows, n_wanted), and the line of each row."""
    if all(line.count(header.delimiter) == len(header.names) - 1 for line in lines):
        try:
            values = np.loadtxt(lines, delimiter=header.delimiter, usecols=header.wanted, ndmin=2, comments=None)
            return values, np.arange(first, first + len(lines))
        except ValueError:
            pass  # an empty cell, or one that is no number: look at each
    rows, places = [], []
    for number, cells in enumerate(csv.reader(lines, delimiter=header.delimiter), first):
        if not "".join(cells).strip():
            continue
        if len(cells) != len(header.names):
            raise ImportFileError(f"Line {number} of {source} has {len(cells)} cells, not {len(header.names)}: mend that line.")
        rows.append([_number(cells[i], number, header.names[i], source) for i in header.wanted])
        places.append(number)
    return np.array(rows).reshape(-1, len(header.wanted)), np.array(places, np.int64)


def _number(cell: str, line: int, column: str, source: Path) -> float:
    try:
        return float(cell) if cell.strip() else np.nan
    except ValueError as error:
        comma = re.fullmatch(r"\s*[-+]?\d*,\d+\s*", cell)
        advice = "write it with a decimal point" if comma else "mend it, or leave it empty"
        raise ImportFileError(f"Line {line} of {source}, column {column}: {cell!r} is not a number: {advice}.") from error


def _grid(table: _Table, source: Path) -> tuple[float, NDArray[np.int64]]:
    """Find the rate, and the number of each sample: where it lies in time, in samples from 0 s."""
    t_s, line = table.t_s, table.lines
    for row in np.flatnonzero(~np.isfinite(t_s))[:1]:
        raise ImportFileError(f"Line {line[row]} of {source} has no time: fill in {_TIME} or remove the line.")
    steps_s = np.diff(t_s)
    for row in np.flatnonzero(steps_s <= 0)[:1]:
        raise ImportFileError(f"Line {line[row + 1]} of {source}: {_TIME} does not grow. Put the rows in order of time.")
    for row in np.flatnonzero((t_s < 0) | (t_s > _LONGEST_S))[:1]:
        raise ImportFileError(
            f"Line {line[row]} of {source}: {_TIME} is {t_s[row]:g}. Count the seconds from the start, from 0 to {_LONGEST_S}."
        )
    usual_s = float(np.quantile(steps_s, 0.5, method="lower"))  # a step of the file, never between two
    even = np.abs(steps_s - usual_s) < usual_s / 2
    mean_hz = _rounded(even.sum() / steps_s[even].sum())
    if not _SLOWEST_HZ <= mean_hz <= _FASTEST_HZ:
        raise ImportFileError(
            f"{source} has {mean_hz:g} samples a second, EMG needs {_SLOWEST_HZ} to {_FASTEST_HZ}: is {_TIME} in seconds?"
        )
    # Times rounded for print (0.0009 and 0.0010 for 1024 Hz) shift the usual step, odd steps the mean, jitter both: the fewest
    # jumps win.
    rates_hz = (_rounded(1 / usual_s), mean_hz, _rounded(_slope_hz(t_s, np.append(0, np.cumsum(steps_s > 2.5 * usual_s)))))
    rate_hz = min(rates_hz, key=lambda hz: np.count_nonzero(np.diff(_numbered(t_s, hz)) != 1))
    index, rows = _numbered(t_s, rate_hz), np.arange(len(t_s))
    # Each sample a number of its own: even rows lie level but for steps at gaps, which a median leaves as they are.
    own = np.maximum.accumulate(median_filter(index - rows, _JITTER_ROWS, mode="nearest")) + rows
    for row in np.flatnonzero(np.abs(own - index) > 1)[:1]:
        raise ImportFileError(
            f"Line {line[row]} of {source}: {_TIME} jitters by more than half of its usual step of {usual_s:g} s, or the rate "
            f"changes there. Write even steps."
        )
    return rate_hz, own


def _slope_hz(t_s: NDArray[np.float64], run: NDArray[np.int64]) -> float:
    """Fit the rate by least squares, which jitter hardly moves, to rows that follow each other in runs; `run` says in which."""
    rows, n = np.arange(len(t_s)), np.bincount(run)
    t_off, row_off = (x - (np.bincount(run, x) / n)[run] for x in (t_s, rows))
    return float((t_off * row_off).sum() / (t_off**2).sum())


def _rounded(rate_hz: float) -> float:
    """Take off what adding up decimals left behind (nine digits: a day at 2 kHz stays within 0.1 samples)."""
    return float(f"{rate_hz:.9g}")


def _numbered(t_s: NDArray[np.float64], rate_hz: float) -> NDArray[np.int64]:
    """Round times to numbers, on the grid that most of them lie on: any one may jitter, the first, too."""
    passed = (t_s - t_s[0]) * rate_hz  # a file that lies half a sample off 0 s would round either way
    turns = 2 * np.pi * passed
    phase = np.arctan2(np.sin(turns).mean(), np.cos(turns).mean()) / (2 * np.pi)
    index: NDArray[np.int64] = (np.rint(t_s[0] * rate_hz) + np.rint(passed - phase)).astype(np.int64)
    return index


def _packets(
    index: NDArray[np.int64], emg_uv: NDArray[np.float64], columns: Sequence[str], profile: FirmwareProfile
) -> Iterator[list[Packet]]:
    """Cut the samples at gaps and every `_PACKET_S`; a packet arrives with its last sample.

    Every sensor begins with a packet of sample 0 alone, NaN if the file starts later: a decoder counts from the first packet,
    and the session from its arrival, so both start at 0 s of the file's time.
    """
    if index[0] > 0:
        index, emg_uv = np.append(0, index), np.vstack([np.full(len(columns), np.nan), emg_uv])
    rate_hz = profile.signal.rate_hz
    size = max(1, round(_PACKET_S * rate_hz))
    cuts = np.flatnonzero((np.diff(index) > 1) | (np.diff((index + size - 1) // size) > 0)) + 1
    encoder = Encoder(profile)
    starts, ends = chain([0], cuts.tolist()), chain(cuts.tolist(), [len(index)])
    for start, end in zip(starts, ends, strict=True):
        t_ns = round(int(index[end - 1]) / rate_hz * 1e9)
        samples, first = emg_uv[start:end], int(index[start])
        yield [Packet(name, t_ns, encoder.encode(samples[:, [i]], first)) for i, name in enumerate(columns)]
