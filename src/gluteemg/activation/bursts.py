"""Bursts of every muscle in session time, from the traces of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.pipeline import Trace
from gluteemg.activation.signal import FILLED_GAP_S
from gluteemg.muscles import Role
from gluteemg.processing.onset import Burst, BurstDetector

_STRIDE = 64
"""Every so many samples their time is kept, to place bursts by (chosen: 56,000 numbers for an hour at 1 kHz)."""


@dataclass(frozen=True, slots=True)
class MuscleBurst:
    """One stretch of activity of one muscle.

    Parameters
    ----------
    role : Role
        The muscle.
    on_s, off_s : float
        When it began and ended.
    decided_s : float
        When it was certain, live, that the muscle works.
    """

    role: Role
    on_s: float
    off_s: float
    decided_s: float


class BurstFinder:
    """Finds the bursts of one muscle while its trace comes in; a hole ends a burst.

    Parameters
    ----------
    role : Role
        The muscle.
    rate_hz : float
        Sampling rate.
    floor : float
        RMS at rest, in the sensor's unit.
    scale : float, optional
        Working level of a recording without calibration; without it the floor alone decides.
    """

    def __init__(self, role: Role, rate_hz: float, floor: float, scale: float | None = None) -> None:
        self._role = role
        self._rate_hz = rate_hz
        self._floor = np.array([floor])
        self._scale = None if scale is None else np.array([scale])
        self._detector: BurstDetector | None = None
        self._count = 0  # samples so far
        self._last_s = -np.inf
        self._times: list[NDArray[np.float64]] = []  # of samples 0, _STRIDE, 2 _STRIDE …

    def feed(self, trace: Trace) -> list[MuscleBurst]:
        """Take the next piece of the trace and give the bursts that have ended."""
        cuts = np.flatnonzero(np.diff(trace.t_s, prepend=self._last_s) > FILLED_GAP_S)
        self._times.append(trace.t_s[-self._count % _STRIDE :: _STRIDE])
        self._last_s = float(trace.t_s[-1])
        found: list[Burst] = []
        for start, stop in zip([0, *cuts], [*cuts, len(trace.t_s)], strict=True):
            if self._detector is None or start in cuts:
                found += [] if self._detector is None else self._detector.finish()
                self._detector = BurstDetector(self._rate_hz, self._floor, self._scale, self._count + int(start))
            found += self._detector.feed(trace.emg[start:stop, np.newaxis])
        self._count += len(trace.t_s)
        return self._placed(found)

    def finish(self) -> list[MuscleBurst]:
        """End, and give the burst that is still going on."""
        return self._placed([] if self._detector is None else self._detector.finish())

    def _placed(self, bursts: Sequence[Burst]) -> list[MuscleBurst]:
        """Put bursts into session time."""
        if not bursts:
            return []
        times = np.append(np.concatenate(self._times), self._last_s)
        index = np.append(np.arange(len(times) - 1) * _STRIDE, self._count - 1)
        return [MuscleBurst(self._role, *np.interp([b.on, b.off, b.decided], index, times).tolist()) for b in bursts]


def find_bursts(finders: Mapping[Role, BurstFinder], traces: Sequence[Trace]) -> list[MuscleBurst]:
    """Feed each trace to the finder of its muscle."""
    return [burst for trace in traces if trace.role in finders for burst in finders[trace.role].feed(trace)]
