"""One sensor's way from packets to envelopes with a time and a flag at every sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gluteemg.muscles import TRUNK
from gluteemg.processing.chain import Chain, LineNotch
from gluteemg.processing.envelope import FAST_S, SLOW_S, HopPower, MovingRms, hop_of
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
    filter_s : float
        By how much the filters delay the middle of the band, and hops the envelope.
    unreadable : float
        Share of all packets that could not be read, 0 to 1.
    battery : tuple of float and str, or None
        What its packets say of its battery, and the unit.
    """

    rate_hz: float
    loss: float | None
    delay_s: float | None
    filter_s: float
    unreadable: float
    battery: tuple[float, str] | None

    @property
    def bar_s(self) -> float | None:
        """How old the middle of what a moving bar shows is, when its packet has come: half of its window, and all before it."""
        return None if self.delay_s is None else self.delay_s + self.filter_s + FAST_S / 2

    @property
    def judged_s(self) -> float | None:
        """The same for the share and the verdict."""
        return None if self.delay_s is None else self.delay_s + self.filter_s + SLOW_S / 2


@dataclass(frozen=True, slots=True)
class Samples:
    """Filtered samples of one sensor, holes of up to `FILLED_GAP_S` filled.

    Parameters
    ----------
    t_s : ndarray of shape (n,)
        Session time, never decreasing.
    emg : ndarray of shape (n, n_channels)
        After the chain, in the sensor's unit.
    """

    t_s: NDArray[np.float64]
    emg: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Envelopes:
    """What the samples amount to, at the end of every hop of about 5 ms.

    Parameters
    ----------
    t_s : ndarray of shape (n_hops,)
        Session time of the last sample of each hop, never decreasing.
    fast, slow : ndarray of shape (n_hops, n_channels)
        Moving RMS over 125 and 500 ms, in the sensor's unit; NaN until the window is full.
    flags : ndarray of shape (n_hops, n_channels), uint8
        Values of `Flag`.
    """

    t_s: NDArray[np.float64]
    fast: NDArray[np.float64]
    slow: NDArray[np.float64]
    flags: NDArray[np.uint8]

    def __getitem__(self, rows: slice) -> Envelopes:
        return Envelopes(self.t_s[rows], self.fast[rows], self.slow[rows], self.flags[rows])

    @classmethod
    def join(cls, parts: Sequence[Envelopes]) -> Envelopes:
        """Put runs one after the other; at least one."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([p.t_s for p in parts]),
            np.concatenate([p.fast for p in parts]),
            np.concatenate([p.slow for p in parts]),
            np.concatenate([p.flags for p in parts]),
        )

    @classmethod
    def none(cls, n_channels: int) -> Envelopes:
        """Nothing."""
        empty = np.empty((0, n_channels))
        return cls(np.empty(0), empty, empty, np.empty((0, n_channels), np.uint8))


class SensorSignal:
    """Decodes, times, filters and judges one sensor. The cut of its payloads into calls changes nothing.

    Parameters
    ----------
    profile : FirmwareProfile
        What the sensor sends.
    muscles : mapping of int to str
        What its channels lie over, as far as that is known: those of the trunk are filtered more.

    Attributes
    ----------
    packets, rejected : int
        Payloads so far, and packets among them that could not be read.
    longest_fill_s : float
        Longest hole that is filled.
    """

    def __init__(self, profile: FirmwareProfile, muscles: Mapping[int, str] = MappingProxyType({})) -> None:
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
        self._trunk = [channel for channel, muscle in muscles.items() if muscle in TRUNK]
        self._converter = _converter(profile)
        self._last: tuple[int, float, NDArray[np.float64]] | None = None
        self._last_filled = -(2**62)  # number of the latest sample that was filled in
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
        unreadable = min(1.0, self.rejected / max(1, self.packets))
        return Health(self.rate_hz, loss, self._delay_s, self._filter_s, unreadable, self._battery)

    def resume(self) -> None:
        """Say that the sensor was connected anew."""
        self._decoder.resume()
        self._clock.restart()
        self._monitor.reset()

    def feed(
        self, payloads: Sequence[bytes], arrival_ns: NDArray[np.int64], zero_ns: int
    ) -> tuple[list[Samples], Envelopes, NDArray[np.float64]]:
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
        samples : list of Samples
            What came, filtered: in as many runs as holes and new filters cut it into.
        envelopes : Envelopes
            What it amounts to.
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
        parts: list[tuple[Samples, Envelopes]] = []
        start = payload = 0
        while len(wrong := np.flatnonzero(np.abs(rates[payload:] / self._rate_hz - 1) > _RATE_TOLERANCE)):
            payload += int(wrong[0])
            stop = int(ends[payload])
            parts += self._process(chunk, times, start, stop)
            self._design(float(rates[payload]))
            start, payload = stop, payload + 1
        parts += self._process(chunk, times, start, len(times))
        envelopes = Envelopes.join([e for _, e in parts]) if parts else Envelopes.none(self._n_channels)
        return [samples for samples, _ in parts], envelopes, reached

    def _design(self, rate_hz: float) -> None:
        """Build everything that depends on the rate; the signal begins anew."""
        self._rate_hz = rate_hz
        self._longest_fill = round(self.longest_fill_s * rate_hz)
        self._hop = hop_of(rate_hz)
        self._chain = None if self._is_envelope else Chain(rate_hz, self._trunk)
        self._notch = LineNotch(rate_hz)
        self._filter_s = (0.0 if self._chain is None else self._chain.delay_s) + self._hop / 2 / rate_hz
        self._power = HopPower(self._hop, self._n_channels)
        fast, slow = (max(1, round(window_s * rate_hz / self._hop)) for window_s in (FAST_S, SLOW_S))
        self._fast, self._slow = MovingRms(fast, self._n_channels), MovingRms(slow, self._n_channels)
        self._monitor = QualityMonitor(rate_hz, self._n_channels, self._converter, self._judged)

    def _process(self, chunk: Chunk, times: NDArray[np.float64], start: int, stop: int) -> list[tuple[Samples, Envelopes]]:
        """Process samples `start` to `stop`, cut where a hole is too long to fill."""
        index = chunk.index[start:stop]
        if not len(index):
            return []
        before, before_s = (int(index[0]) - 1, times[start]) if self._last is None else self._last[:2]
        jumps = np.diff(times[start:stop], prepend=before_s) > self.longest_fill_s + 2 / self._rate_hz
        if int(index[-1]) - before == len(index) and not jumps.any():  # no hole at all
            return [self._process_run(index, times[start:stop], chunk.emg[start:stop])]
        steps = np.diff(index, prepend=before)
        cuts = np.flatnonzero((steps > self._longest_fill + 1) | jumps).tolist()  # the clock sees more than the counter
        edges = [0, *(c for c in cuts if c), len(index)]
        parts = []
        for first, end in pairwise(edges):
            if first in cuts:
                self._begin_anew()
            rows = slice(start + first, start + end)
            parts.append(self._process_run(chunk.index[rows], times[rows], chunk.emg[rows]))
        return parts

    def _begin_anew(self) -> None:
        for part in (self._chain, self._notch, self._power, self._fast, self._slow):
            if part is not None:
                part.reset()
        self._last = None

    def _process_run(
        self, index: NDArray[np.int64], times: NDArray[np.float64], emg: NDArray[np.float64]
    ) -> tuple[Samples, Envelopes]:
        """Process samples without a long hole; short ones are filled with a straight line from the sample before."""
        judgement = self._monitor(index, emg)
        anchor = self._last
        self._last = (int(index[-1]), float(times[-1]), emg[-1])
        first = int(index[0]) if anchor is None else anchor[0] + 1
        filled: NDArray[np.bool_] | None = None
        if int(index[-1]) - first + 1 > len(index):
            whole = np.arange(first, index[-1] + 1)
            filled = ~np.isin(whole, index)
            if anchor is not None:
                index = np.concatenate(([anchor[0]], index))
                times = np.concatenate(([anchor[1]], times))
                emg = np.concatenate((anchor[2][np.newaxis], emg))
            times = np.interp(whole, index, times)
            emg = np.stack([np.interp(whole, index, c) for c in emg.T], axis=1)
            index = whole

        filtered = emg
        if self._chain is not None:
            filtered = self._chain(emg)
            if judgement.hums or self._notch.notches:
                filtered = self._notch(filtered, judgement.line_at(index))
        waited = self._power.waiting
        power = self._power(filtered)
        ends = slice(self._hop - 1 - waited, None, self._hop)
        fast, slow = self._fast(power), self._slow(power)
        flags = judgement.at(index[ends])
        if filled is not None or self._last_filled > index[0] - self._hop:
            last = np.maximum.accumulate(np.where(False if filled is None else filled, index, self._last_filled))
            self._last_filled = int(last[-1])
            holed = last[ends] > index[ends] - self._hop
            flags = np.maximum(flags, np.where(holed, np.uint8(Flag.FILLED), np.uint8(0))[:, np.newaxis])
        settling = np.isnan(slow)
        if settling.any():
            flags = np.maximum(flags, np.where(settling, np.uint8(Flag.SETTLING), np.uint8(0)))
        return Samples(times, filtered), Envelopes(times[ends], fast, slow, flags)


def _converter(profile: FirmwareProfile) -> Converter:
    """Give the ends and the step of the converter in the unit of the samples."""
    signal = profile.signal
    low, high = (None if end is None else (end - signal.bias) * signal.lsb for end in (signal.low, signal.high))
    return Converter(low, high, 0.0 if profile.is_float else signal.lsb)
