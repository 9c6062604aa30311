"""Which sample is it: counters that wrap, repeat, jump and start over, made into numbers that only grow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gluteemg.sensors.profile import FirmwareProfile

_LATE_S = 2.0
"""How much later than its neighbours a packet may come and still be believed (chosen: the watchdog's time-out)."""

STALL_S = 0.2
"""A radio that misses some of its turns sends what it kept with the next: a wait that is no longer hides no whole wrap of a
counter (chosen: six intervals of 30 ms; a counter of four packets at 200 Hz starts over after 40 ms)."""
_OLD_PACKETS = 4
"""So many old packets one after the other are new ones of a sensor that started over (chosen: a radio that repeats a packet
repeats one, and one that is late comes alone)."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a run of packets says about the place of its samples.

    Parameters
    ----------
    sizes : ndarray of shape (n_packets,), int64
        Samples in each packet.
    first, last : ndarray of shape (n_packets,), int64
        Counter of the first and of the last sample of each packet; where packets are counted, of the packet.
    modulus : ndarray of shape (n_packets,), int64
        Where the numbers of samples start over; 0 where never.
    steps : ndarray of shape (n_samples,), int64
        From the sample before, inside each packet.
    """

    sizes: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    modulus: NDArray[np.int64]
    steps: NDArray[np.int64]


class Numbering:
    """Numbers the samples of one sensor since its start, remembering its counter.

    Parameters
    ----------
    profile : FirmwareProfile
        Its counter, its rate, and what its timing is worth.
    """

    def __init__(self, profile: FirmwareProfile) -> None:
        self._rate_hz = profile.signal.rate_hz
        self._by_arrival = profile.signal.timing == "arrival"
        self._counts = profile.counter is not None
        self._counts_packets = profile.counter is not None and profile.counter.counts == "packets"
        self._last_raw = 0
        self._last_index = -1
        self._last_arrival_ns = 0
        self._resuming = True
        self._highest, self._new_ns = -1, 0  # of the last packet that was new, and when it came
        self._old_packets = 0  # since then, one after the other

    def resume(self) -> None:
        """Say that the sensor was connected anew: its counter may have started over, time goes on."""
        self._resuming = True

    def place(self, counted: Counted, arrivals: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give every sample its number; packets in the order they arrived.

        Parameters
        ----------
        counted : Counted
            What their counters say.
        arrivals : ndarray of shape (n_packets,), int64
            When each arrived, in nanoseconds.

        Returns
        -------
        ndarray of shape (n_samples,), int64
            Not yet in order where packets came twice or late: those have numbers that were there before.
        """
        if self._by_arrival:
            return self._place_by_arrival(counted.sizes, arrivals)
        waits_s = _since(arrivals, self._last_arrival_ns) / 1e9
        passed = self._passed(counted, waits_s) if self._counts else np.ones(len(arrivals), np.int64)
        if self._resuming:
            first_ever = self._last_index < 0
            passed[0] = 1 if first_ever else max(1, round(waits_s[0] * self._rate_hz))
            self._resuming = False
        steps = counted.steps.copy()
        steps[counted.sizes.cumsum() - counted.sizes] = passed
        index: NDArray[np.int64] = steps.cumsum()
        index += self._last_index
        self._look_for_restarts(index, counted.sizes, arrivals)
        self._last_raw, self._last_index, self._last_arrival_ns = int(counted.last[-1]), int(index[-1]), int(arrivals[-1])
        return index

    def _look_for_restarts(self, index: NDArray[np.int64], sizes: NDArray[np.int64], arrivals: NDArray[np.int64]) -> None:
        """Move the numbers on where packet after packet is old: no radio repeats so many, the sensor started over."""
        ends = sizes.cumsum()
        if self._old_packets == 0 and index[0] > self._highest and (index[1:] > index[:-1]).all():
            self._highest, self._new_ns = int(index[-1]), int(arrivals[-1])
            return
        for begin, end, t_ns in zip((ends - sizes).tolist(), ends.tolist(), arrivals.tolist(), strict=True):
            self._old_packets = self._old_packets + 1 if index[end - 1] <= self._highest else 0
            if self._old_packets == _OLD_PACKETS:
                passed = max(1, round((t_ns - self._new_ns) / 1e9 * self._rate_hz) - (end - begin) + 1)
                index[begin:] += self._highest + passed - index[begin]
                self._old_packets = 0
            if self._old_packets == 0:
                self._highest, self._new_ns = int(index[end - 1]), t_ns

    def _passed(self, counted: Counted, waits_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Tell how many samples lie between the last sample of each packet and the first of the next."""
        sizes, modulus = counted.sizes, counted.modulus
        passed = counted.first.copy()
        passed[0] -= self._last_raw
        passed[1:] -= counted.last[:-1]
        if self._counts_packets:
            passed = 1 + (passed - 1) * sizes
        passed %= modulus
        doubtful = (passed != 1) | (waits_s * self._rate_hz > 0.9 * modulus)
        for packet in doubtful.nonzero()[0].tolist():
            passed[packet] = _samples_passed(
                int(passed[packet]), waits_s[packet], int(modulus[packet]), self._rate_hz, int(sizes[packet])
            )
        return passed

    def _place_by_arrival(self, sizes: NDArray[np.int64], arrivals: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put every packet where it arrived on a grid of the nominal rate that begins with the clock of the arrivals.

        What arrives together lies side by side.
        """
        wanted = np.rint(arrivals / 1e9 * self._rate_hz).astype(np.int64)
        within = np.cumsum(sizes) - sizes
        ends = np.maximum.accumulate(np.maximum(wanted, self._last_index + 1) - within) + within  # first of each packet
        index: NDArray[np.int64] = np.repeat(ends - within, sizes) + np.arange(int(sizes.sum()))
        self._last_index = int(index[-1])
        return index


def _since(times: NDArray[np.int64], before: int) -> NDArray[np.int64]:
    """Give the steps between times, the first from `before`; a diff with little overhead, for single packets."""
    steps = times.copy()
    steps[0] -= before
    steps[1:] -= times[:-1]
    return steps


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
    if expected - step < STALL_S * rate_hz:
        return step
    hidden = max(0, int((expected - step) / modulus + 0.1))  # 0.1: a tenth of a wrap of jitter (25 ms at 8 bits and 1 kHz)
    whole = (w for w in range(hidden, max(-1, hidden - size), -1) if (step - 1 + w * modulus) % size == 0)
    return step + next(whole, hidden) * modulus
