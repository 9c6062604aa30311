"""One sensor's way from packets to envelopes with a time and a flag at every sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gluteemg.processing.chain import Chain
from gluteemg.processing.envelope import FAST_S, SLOW_S, MovingRms
from gluteemg.processing.quality import ENVELOPE, SPARSE, WAVEFORM, Converter, Flag, QualityMonitor
from gluteemg.sensors.clock import SensorClock
from gluteemg.sensors.decoder import Chunk, Decoder
from gluteemg.sensors.profile import FirmwareProfile

FILLED_GAP_S = 0.050
"""Longest hole that is filled; longer ones never enter a number."""
FILLED_WAIT_S = 0.150
"""The same for sensors that send an envelope now and then, without a clock or without a connection. An envelope hardly changes
within it (chosen: it moves by up to about 3 Hz in slow exercise), and so long an instant is waited for."""
_RATE_TOLERANCE = 0.05
"""How far the measured rate may be from the one the filters were designed for."""
_MOST_OFF = 2.0
"""A rate beyond half or twice the nominal one is a clock led astray by its arrivals, no rate (chosen), unless the profile says
how far off a rate can be."""


@dataclass(frozen=True, slots=True)
class Health:
    """How well one sensor is heard.

    Parameters
    ----------
    rate_hz : float
        Its rate as measured; the nominal one of a sensor without a clock.
    loss : float or None
        Share of the samples of the last 10 s that is missing, 0 to 1; None where the sensor counts nothing.
    delay_s : float or None
        How long after its last sample the latest packet came; None before the first.
    unreadable : float
        Share of all packets that could not be read, 0 to 1.
    battery : tuple of float and str, or None
        What its packets say of its battery, and the unit.
    """

    rate_hz: float
    loss: float | None
    delay_s: float | None
    unreadable: float
    battery: tuple[float, str] | None


@dataclass(frozen=True, slots=True)
class Samples:
    """Processed samples of one sensor, holes of up to `FILLED_GAP_S` filled.

    Parameters
    ----------
    t_s : ndarray of shape (n,)
        Session time, never decreasing.
    emg : ndarray of shape (n, n_channels)
        After the chain, in the sensor's unit.
    fast, slow : ndarray of shape (n, n_channels)
        Moving RMS over 125 and 500 ms; NaN until the window is full.
    flags : ndarray of shape (n, n_channels), uint8
        Values of `Flag`.
    """

    t_s: NDArray[np.float64]
    emg: NDArray[np.float64]
    fast: NDArray[np.float64]
    slow: NDArray[np.float64]
    flags: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.t_s)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Samples:
        return Samples(self.t_s[rows], self.emg[rows], self.fast[rows], self.slow[rows], self.flags[rows])

    @classmethod
    def join(cls, parts: Sequence[Samples]) -> Samples:
        """Put runs of samples one after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([p.t_s for p in parts]),
            np.concatenate([p.emg for p in parts]),
            np.concatenate([p.fast for p in parts]),
            np.concatenate([p.slow for p in parts]),
            np.concatenate([p.flags for p in parts]),
        )

    @classmethod
    def none(cls, n_channels: int) -> Samples:
        """No samples."""
        empty = np.empty((0, n_channels))
        return cls(np.empty(0), empty, empty, empty, np.empty((0, n_channels), np.uint8))


class SensorSignal:
    """Decodes, times, filters and judges one sensor. The cut of its payloads into calls changes nothing.

    Parameters
    ----------
    profile : FirmwareProfile
        What the sensor sends.

    Attributes
    ----------
    packets, rejected : int
        Payloads so far, and packets among them that could not be read.
    longest_fill_s : float
        Longest hole that is filled.
    """

    def __init__(self, profile: FirmwareProfile) -> None:
        signal = profile.signal
        self._decoder = Decoder(profile)
        self._clock = SensorClock(signal.rate_hz, exact=signal.timing != "regular")
        self._by_arrival = signal.timing == "arrival"
        sparse = self._by_arrival or (profile.stream is not None and profile.stream.kind == "advertising")
        self._is_envelope = signal.is_envelope
        self._judged = SPARSE if sparse else ENVELOPE if signal.is_envelope else WAVEFORM
        self._battery_unit = next((f.unit for p in profile.packets for f in p.values if f.name == "battery"), "")
        self._battery: tuple[float, str] | None = None
        self._counts = profile.counter is not None
        nominal_hz = signal.rate_hz
        self._rate_range_hz = signal.rate_range_hz or (nominal_hz / _MOST_OFF, nominal_hz * _MOST_OFF)
        self._n_channels = signal.channels
        self._converter = _converter(profile)
        self._last: tuple[int, float, NDArray[np.float64]] | None = None
        self._delay_s: float | None = None
        self.longest_fill_s = FILLED_WAIT_S if sparse else FILLED_GAP_S
        self.packets = self.rejected = 0
        self._design(signal.rate_hz)

    @property
    def rate_hz(self) -> float:
        """The rate as measured so far."""
        return self._clock.rate_hz

    @property
    def health(self) -> Health:
        """How well the sensor is heard."""
        loss = self._monitor.loss if self._counts else None
        return Health(self.rate_hz, loss, self._delay_s, min(1.0, self.rejected / max(1, self.packets)), self._battery)

    def resume(self) -> None:
        """Say that the sensor was connected anew."""
        self._decoder.resume()
        self._clock.restart()
        self._monitor.reset()

    def feed(
        self, payloads: Sequence[bytes], arrival_ns: NDArray[np.int64], zero_ns: int
    ) -> tuple[Samples, NDArray[np.float64]]:
        """Take payloads in the order they arrived.

        Parameters
        ----------
        payloads : sequence of bytes
            One for each notification.
        arrival_ns : ndarray of shape (n_payloads,), int64
            When each arrived.
        zero_ns : int
            Session zero.

        Returns
        -------
        samples : Samples
            What came, processed.
        reached_s : ndarray of shape (n_payloads,)
            Time of the last sample known after each payload; NaN before the first sample ever.
        """
        chunk = self._decoder.decode(payloads, arrival_ns)
        self.packets += len(payloads)
        self.rejected += chunk.rejected
        if (battery := chunk.values.get("battery")) is not None:
            self._battery = float(battery.data[-1, 0]), self._battery_unit
        arrival_s = (arrival_ns - zero_ns) / 1e9
        times, rates = self._clock.times(chunk, arrival_s)
        if self._by_arrival:  # their numbers count from the zero of the arrivals
            times -= zero_ns / 1e9
        before = np.nan if self._last is None else self._last[1]
        ends = np.cumsum(chunk.counts)
        reached = np.where(ends > 0, times[np.maximum(ends, 1) - 1] if len(times) else np.nan, before)

        if chunk.counts.any():
            brought = int(np.flatnonzero(chunk.counts)[-1])
            self._delay_s = max(0.0, float(arrival_s[brought] - reached[brought]))  # after a guessed hole time may run ahead
        slowest_hz, fastest_hz = self._rate_range_hz
        rates = np.where((rates >= slowest_hz) & (rates <= fastest_hz), rates, np.nan)
        parts, start, payload = [], 0, 0
        while len(wrong := np.flatnonzero(np.abs(rates[payload:] / self._rate_hz - 1) > _RATE_TOLERANCE)):
            payload += int(wrong[0])
            stop = int(ends[payload])
            parts += self._process(chunk, times, start, stop)
            self._design(float(rates[payload]))
            start, payload = stop, payload + 1
        parts += self._process(chunk, times, start, len(times))
        return Samples.join(parts) if parts else Samples.none(self._n_channels), reached

    def _design(self, rate_hz: float) -> None:
        """Build everything that depends on the rate; the signal begins anew."""
        self._rate_hz = rate_hz
        self._longest_fill = round(self.longest_fill_s * rate_hz)
        self._chain = None if self._is_envelope else Chain(rate_hz)
        self._fast = MovingRms(round(FAST_S * rate_hz), self._n_channels)
        self._slow = MovingRms(round(SLOW_S * rate_hz), self._n_channels)
        self._monitor = QualityMonitor(rate_hz, self._n_channels, self._converter, self._judged)

    def _process(self, chunk: Chunk, times: NDArray[np.float64], start: int, stop: int) -> list[Samples]:
        """Process samples `start` to `stop`, cut where a hole is too long to fill."""
        index = chunk.index[start:stop]
        if not len(index):
            return []
        before, before_s = (int(index[0]) - 1, times[start]) if self._last is None else self._last[:2]
        jumps = np.diff(times[start:stop], prepend=before_s) > self.longest_fill_s + 2 / self._rate_hz
        if int(index[-1]) - before == len(index) and not jumps.any():  # no hole at all
            return [self._process_run(index, times[start:stop], chunk.emg[start:stop])]
        steps = np.diff(index, prepend=before)
        cuts = np.flatnonzero((steps > self._longest_fill + 1) | (jumps & (steps == 1))).tolist()  # seen by the clock alone
        edges = [0, *(c for c in cuts if c), len(index)]
        parts = []
        for first, end in pairwise(edges):
            if first in cuts:
                self._begin_anew()
            rows = slice(start + first, start + end)
            parts.append(self._process_run(chunk.index[rows], times[rows], chunk.emg[rows]))
        return parts

    def _begin_anew(self) -> None:
        if self._chain is not None:
            self._chain.reset()
        self._fast.reset()
        self._slow.reset()
        self._last = None

    def _process_run(self, index: NDArray[np.int64], times: NDArray[np.float64], emg: NDArray[np.float64]) -> Samples:
        """Process samples without a long hole; short ones are filled with a straight line from the sample before."""
        anchor = self._last
        self._last = (int(index[-1]), float(times[-1]), emg[-1])
        first = int(index[0]) if anchor is None else anchor[0] + 1
        whole, whole_t, whole_emg = index, times, emg
        received = np.ones(len(index), np.bool_)
        if int(index[-1]) - first + 1 > len(index):
            whole = np.arange(first, index[-1] + 1)
            if anchor is not None:
                index = np.concatenate(([anchor[0]], index))
                times = np.concatenate(([anchor[1]], times))
                emg = np.concatenate((anchor[2][np.newaxis], emg))
            whole_t = np.interp(whole, index, times)
            whole_emg = np.stack([np.interp(whole, index, c) for c in emg.T], axis=1)
            received = np.isin(whole, index)

        filtered = whole_emg if self._chain is None else self._chain(whole_emg)
        squares = filtered * filtered
        fast, slow = self._fast(squares), self._slow(squares)
        flags = self._monitor(whole[received], whole_emg[received], filtered[received])
        floor = np.where(np.isnan(slow), np.uint8(Flag.SETTLING), np.uint8(0))
        if len(flags) < len(whole):  # what is filled is trusted no more than the sample after it
            flags = flags[np.searchsorted(whole[received], whole)]
            np.maximum(floor, np.uint8(Flag.FILLED), out=floor, where=~received[:, np.newaxis])
        flags = np.maximum(flags, floor)
        return Samples(whole_t, filtered, fast, slow, flags)


def _converter(profile: FirmwareProfile) -> Converter:
    """Give the ends and the step of the converter in the unit of the samples."""
    signal = profile.signal
    low, high = (None if end is None else (end - signal.bias) * signal.lsb for end in (signal.low, signal.high))
    return Converter(low, high, 0.0 if profile.is_float else signal.lsb)
