"""Bursts of every muscle in session time, from the traces of the pipeline."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.pipeline import Trace
from gluteemg.activation.signal import FILLED_GAP_S
from gluteemg.muscles import Role
from gluteemg.processing.onset import Burst, BurstDetector


@dataclass(frozen=True, slots=True)
class MuscleBurst:
    """One stretch of activity of one muscle.

    Parameters
    ----------
    role : Role
        The muscle.
    on_s, off_s : float
        Times of its first and its last sample.
    decided_s : float
        Time of the sample with which it was certain, live, that the muscle works.
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
        self._firsts: list[int] = []  # numbers of the first samples of the pieces whose times are kept
        self._times: list[NDArray[np.float64]] = []
        self._kept = max(200, round(rate_hz))  # samples: more than the detector ever looks back

    def feed(self, trace: Trace) -> list[MuscleBurst]:
        """Take the next piece of the trace and give the bursts that have ended."""
        cuts = np.flatnonzero(np.diff(trace.t_s, prepend=self._last_s) > FILLED_GAP_S).tolist()
        found: list[MuscleBurst] = []
        for start, stop in pairwise([0, *(c for c in cuts if c), len(trace.t_s)]):
            if start in cuts:
                found += self.finish()
            found += self._run(trace.t_s[start:stop], trace.emg[start:stop])
        return found

    def finish(self) -> list[MuscleBurst]:
        """End, and give the burst that is still going on."""
        found = [] if self._detector is None else self._placed(self._detector.finish())
        self._detector = None
        self._firsts, self._times = [], []
        return found

    def _run(self, t_s: NDArray[np.float64], emg: NDArray[np.float64]) -> list[MuscleBurst]:
        """Take samples without a hole."""
        if not len(t_s):
            return []
        if self._detector is None:
            self._detector = BurstDetector(self._rate_hz, self._floor, self._scale, self._count)
        self._firsts.append(self._count)
        self._times.append(t_s)
        self._count += len(t_s)
        self._last_s = float(t_s[-1])
        found = self._placed(self._detector.feed(emg[:, np.newaxis]))
        if not self._detector.active[0]:  # only the look back is needed
            done = max(0, self._piece(self._count - self._kept))
            del self._firsts[:done], self._times[:done]
        return found

    def _placed(self, bursts: Sequence[Burst]) -> list[MuscleBurst]:
        """Put bursts into session time: `Burst.off` and `Burst.decided` name the sample after, whose time is not known yet."""
        return [MuscleBurst(self._role, self._t_s(b.on), self._t_s(b.off - 1), self._t_s(b.decided - 1)) for b in bursts]

    def _t_s(self, sample: int) -> float:
        piece = self._piece(sample)
        return float(self._times[piece][sample - self._firsts[piece]])

    def _piece(self, sample: int) -> int:
        """Give the place of the piece that holds a sample; -1 before the first."""
        return bisect_right(self._firsts, sample) - 1


def find_bursts(finders: Mapping[Role, BurstFinder], traces: Sequence[Trace]) -> list[MuscleBurst]:
    """Feed each trace to the finder of its muscle."""
    return [burst for trace in traces if trace.role in finders for burst in finders[trace.role].feed(trace)]
