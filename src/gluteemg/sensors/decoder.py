"""Packets to samples, by a profile: no device has code of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from gluteemg.sensors.profile import FirmwareProfile

_LATE_S = 2.0
"""How much later than its neighbours a packet may come and still be believed (chosen: the watchdog's time-out)."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Decoded samples of one sensor, in order, from any number of packets.

    Parameters
    ----------
    emg : ndarray of shape (n_samples, n_channels), float64
        In the unit of the profile, microvolts or counts.
    index : ndarray of shape (n_samples,), int64
        Number of each sample since the sensor started. It only grows; a step of more than one is a hole.
    counts : ndarray of shape (n_payloads,), int64
        New samples in each payload; zero for those that carry other things, came twice, or could not be read.
    rejected : int
        Payloads that no layout of the profile takes: their samples show as holes.
    """

    emg: NDArray[np.float64]
    index: NDArray[np.int64]
    counts: NDArray[np.int64]
    rejected: int


class Decoder:
    """Turns the payloads of one sensor into samples, remembering its counter.

    The cut of the payloads into calls changes nothing (the chunk law).

    Parameters
    ----------
    profile : FirmwareProfile
        How this sensor writes its packets.
    """

    def __init__(self, profile: FirmwareProfile) -> None:
        self._profile = profile
        self._forms: dict[int, _Form] = {}  # by length of the payload
        self._last_raw = 0
        self._last_index = -1
        self._highest = -1
        self._last_arrival_ns = 0
        self._resuming = True

    def resume(self) -> None:
        """Say that the sensor was connected anew: its counter may have started over, time goes on."""
        self._resuming = True

    def decode(self, payloads: Sequence[bytes], arrival_ns: NDArray[np.int64]) -> Chunk:
        """Decode payloads in the order they arrived.

        Parameters
        ----------
        payloads : sequence of bytes
            One for each notification.
        arrival_ns : ndarray of shape (n_payloads,), int64
            When each arrived.

        Returns
        -------
        Chunk
            Samples that are new: what was sent twice is dropped, what never came is a hole in `Chunk.index`.
        """
        runs = [(self._form(length), list(run)) for length, run in groupby(payloads, key=len)]
        rejected = sum(len(run) for form, run in runs if not form.records and not form.auxiliary)
        sizes = np.array([form.records for form, run in runs for _ in run], np.int64)
        taken = [(form, *form.read(run)) for form, run in runs if form.records]
        if not taken:
            return Chunk(np.empty((0, self._profile.signal.channels)), np.empty(0, np.int64), sizes, rejected)
        emg = np.concatenate([emg for _, emg, _ in taken])
        raw = np.concatenate([counter for _, _, counter in taken])
        brings = sizes > 0
        index = self._place(raw, arrival_ns[brings], sizes[brings], taken[-1][0].modulus)

        before = np.maximum.accumulate(np.concatenate(([self._highest], index)))[:-1]
        keep = (index > before) & np.isfinite(emg).all(axis=1)
        self._highest = max(self._highest, int(index.max()))
        counts = np.zeros(len(payloads), np.int64)
        counts[brings] = np.add.reduceat(keep, np.cumsum(sizes[brings]) - sizes[brings], dtype=np.int64)
        scaled = (emg[keep] - self._profile.signal.bias) * self._profile.signal.lsb
        return Chunk(scaled, index[keep], counts, rejected)

    def _form(self, length: int) -> _Form:
        if length not in self._forms:
            self._forms[length] = _Form.of(self._profile, length)
        return self._forms[length]

    def _place(
        self, raw: NDArray[np.int64], arrivals: NDArray[np.int64], sizes: NDArray[np.int64], modulus: int
    ) -> NDArray[np.int64]:
        """Give every sample its number since the start, from its raw counter and its packet's arrival."""
        firsts = np.cumsum(sizes) - sizes
        waits_s = np.diff(arrivals, prepend=self._last_arrival_ns) / 1e9
        step = np.diff(raw, prepend=self._last_raw) % modulus if modulus else np.ones(len(raw), np.int64)
        rate_hz = self._profile.signal.rate_hz
        doubtful = (step[firsts] != 1) | (waits_s * rate_hz > 0.9 * modulus if modulus else False)
        for packet in np.flatnonzero(doubtful):
            step[firsts[packet]] = _samples_passed(
                int(step[firsts[packet]]), waits_s[packet], modulus, rate_hz, int(sizes[packet])
            )
        if self._resuming:
            first_ever = self._last_index < 0
            step[0] = 1 if first_ever else max(1, round(waits_s[0] * rate_hz))
            self._resuming = False
        index: NDArray[np.int64] = self._last_index + np.cumsum(step)
        self._last_raw, self._last_index, self._last_arrival_ns = int(raw[-1]), int(index[-1]), int(arrivals[-1])
        return index


@dataclass(frozen=True, slots=True)
class _Form:
    """A profile compiled for payloads of one length: how numpy reads them. No records where they carry no EMG.

    `counter` is where the counter stands, ``header`` or ``records``, and `modulus` where it wraps, in samples; 0 without one.
    """

    records: int
    auxiliary: bool
    dtype: np.dtype[np.void]
    counter: str
    counts_packets: bool
    modulus: int

    @classmethod
    def of(cls, profile: FirmwareProfile, length: int) -> _Form:
        found = profile.layout_of(length)
        if found is None:
            return cls(0, profile.is_auxiliary(length), np.dtype([]), "", False, 0)
        layout, records = found
        parts = [
            ("header", layout.header_dtype),
            ("records", layout.record_dtype, (records,)),
            ("trailer", layout.trailer_dtype),
        ]
        if profile.counter is None:
            return cls(records, False, np.dtype(parts), "", False, 0)
        where = "header" if "counter" in (layout.header_dtype.names or ()) else "records"
        field = (layout.header_dtype if where == "header" else layout.record_dtype)["counter"]
        modulus = 1 << min(8 * field.base.itemsize, 62)
        counts_packets = where == "header" and profile.counter.counts == "packets"
        return cls(records, False, np.dtype(parts), where, counts_packets, modulus * (records if counts_packets else 1))

    def read(self, payloads: Sequence[bytes]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Give the counts, shape (n_samples, n_channels), and the raw counter of every sample."""
        read = np.frombuffer(b"".join(payloads), self.dtype)
        n_samples = len(read) * self.records
        emg = read["records"]["emg"].astype(np.float64).reshape(n_samples, -1)
        if not self.counter:
            return emg, np.zeros(n_samples, np.int64)
        counter = read[self.counter]["counter"].astype(np.int64)
        if self.counter == "records":
            return emg, counter.reshape(-1)
        first = counter * self.records if self.counts_packets else counter
        return emg, ((first + np.arange(self.records)) % self.modulus).reshape(-1)


def _samples_passed(step: int, wait_s: float, modulus: int, rate_hz: float, size: int) -> int:
    """Decide how many samples lie between two packets whose counters do not follow each other, or that lie far apart in time.

    `step` is what the counter says, modulo `modulus`; the wait between the two arrivals decides what it hides, and that
    packets of `size` samples are lost as a whole: so a stall of the radio is not taken for a loss.
    A result of zero or less means that the samples are old: sent twice, or late.
    """
    expected = wait_s * rate_hz
    late = _LATE_S * rate_hz
    if 2 * step > modulus and 2 * expected < step:
        back = modulus - step
        return -back if back <= late else max(1, round(expected))
    if step > expected + late:
        return max(1, round(expected))  # the sensor started over: only time can tell
    hidden = max(0, int((expected - step) / modulus + 0.1))  # 0.1: a tenth of a wrap of jitter (25 ms at 8 bits and 1 kHz)
    whole = (w for w in range(hidden, max(-1, hidden - size), -1) if (step - 1 + w * modulus) % size == 0)
    return step + next(whole, hidden) * modulus
