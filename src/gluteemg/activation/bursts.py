"""Bursts of every muscle in session time, from the traces of the pipeline."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.grid import Trace
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
    """Finds the bursts of the muscles of one sensor while their traces come in; a hole ends a burst.

    Parameters
    ----------
    roles : sequence of Role
        The muscles.
    rate_hz : float
        Sampling rate.
    floors : sequence of float
        RMS at rest of each, in the sensor's unit; NaN: no bursts.
    scales : sequence of float, optional
        Working levels of a recording without calibration; without them the floors alone decide.
    """

    def __init__(
        self, roles: Sequence[Role], rate_hz: float, floors: Sequence[float], scales: Sequence[float] | None = None
    ) -> None:
        self.roles = tuple(roles)
        self._rate_hz = rate_hz
        self._floors = np.array(floors)
        self._scales = None if scales is None else np.array(scales)
        self._detector: BurstDetector | None = None
        self._count = 0  # samples so far
        self._last_s = -np.inf
        self._firsts: list[int] = []  # numbers of the first samples of the pieces whose times are kept
        self._times: list[NDArray[np.float64]] = []
        self._kept = max(200, round(rate_hz))  # samples: more than the detector ever looks back
        self._begun: dict[tuple[int, int], tuple[float, float]] = {}  # when the bursts that run began, and were certain

    def feed(self, t_s: NDArray[np.float64], emg: NDArray[np.float64]) -> list[MuscleBurst]:
        """Take the next piece of the traces, shape (n,) and (n, n_roles), and give the bursts that have ended."""
        cuts = (np.flatnonzero(t_s[1:] - t_s[:-1] > FILLED_GAP_S) + 1).tolist()
        if len(t_s) and t_s[0] - self._last_s > FILLED_GAP_S:
            cuts.insert(0, 0)
        found: list[MuscleBurst] = []
        for start, stop in pairwise([0, *(c for c in cuts if c), len(t_s)]):
            if start in cuts:
                found += self.finish()
            found += self._run(t_s[start:stop], emg[start:stop])
        return found

    def finish(self) -> list[MuscleBurst]:
        """End, and give the burst that is still going on."""
        found = [] if self._detector is None else self._placed(self._detector.finish())
        self._detector = None
        self._firsts, self._times, self._begun = [], [], {}
        return found

    def _run(self, t_s: NDArray[np.float64], emg: NDArray[np.float64]) -> list[MuscleBurst]:
        """Take samples without a hole."""
        if not len(t_s):
            return []
        if self._detector is None:
            self._detector = BurstDetector(self._rate_hz, self._floors, self._scales, self._count)
        self._firsts.append(self._count)
        self._times.append(t_s)
        self._count += len(t_s)
        self._last_s = float(t_s[-1])
        found = self._placed(self._detector.feed(emg))
        running = {(c, begun[0]): begun for c, begun in enumerate(self._detector.begun) if begun is not None}
        self._begun = {key: self._begun.get(key) or (self._t_s(on), self._t_s(at - 1)) for key, (on, at) in running.items()}
        done = max(0, self._piece(self._count - self._kept))  # however long a burst lasts, only the look back is needed
        del self._firsts[:done], self._times[:done]
        return found

    def _placed(self, bursts: Sequence[Burst]) -> list[MuscleBurst]:
        """Put bursts into session time: `Burst.off` and `Burst.decided` name the sample after, whose time is not known yet."""
        placed = []
        for b in bursts:
            on_s, decided_s = self._begun.get((b.channel, b.on)) or (self._t_s(b.on), self._t_s(b.decided - 1))
            placed.append(MuscleBurst(self.roles[b.channel], on_s, self._t_s(b.off - 1), decided_s))
        return placed

    def _t_s(self, sample: int) -> float:
        piece = self._piece(sample)
        return float(self._times[piece][sample - self._firsts[piece]])

    def _piece(self, sample: int) -> int:
        """Give the place of the piece that holds a sample; -1 before the first."""
        return bisect_right(self._firsts, sample) - 1


def find_bursts(finders: Sequence[BurstFinder], traces: Sequence[Trace]) -> list[MuscleBurst]:
    """Feed the traces to the finders of their muscles; those of one sensor share their times."""
    found: list[MuscleBurst] = []
    for finder in finders:
        own = (trace for trace in traces if trace.role in finder.roles)
        for _, run in groupby(own, key=lambda trace: id(trace.t_s)):
            by_role = {trace.role: trace for trace in run}
            emg = np.stack([by_role[role].emg for role in finder.roles]).T
            found += finder.feed(next(iter(by_role.values())).t_s, emg)
    return found
