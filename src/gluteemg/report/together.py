"""How muscles work together within a repetition: co-activation, and who begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.bursts import MuscleBurst
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.activation.indices import co_activation_falconer_winter, co_activation_rudolph, co_contraction_share
from gluteemg.activation.ratio import GATE, Ratio, mean_of
from gluteemg.activation.rep import Rep
from gluteemg.muscles import HAMSTRINGS, Role, Side
from gluteemg.processing.quality import Flag

_ABDOMINALS = frozenset({"rectus_abdominis", "internal_oblique"})
_BRISK_S = 0.5
"""Longest rise in which it can be told who begins (chosen: in one of 2 s, a third of the level is heard 0.3 s later)."""
_BEFORE_S = 0.6
"""How long before a repetition, which begins at 15 %, its bursts may begin (chosen: the longest brisk rise and a bit)."""
_LATE_S = 2.0
"""Longest time from the end of a repetition until it is decided (chosen: rest is asked for a fifth of it)."""
_UNUSABLE = np.uint8(Flag.HEAVY_LOSS)


class Together:
    """Computes, for every repetition, what needs the course of two muscles at once.

    Parameters
    ----------
    roles : sequence of Role
        Columns of the frames.
    longest_s : float
        Longest repetition or hold: so much of the frames is kept.
    """

    def __init__(self, roles: Sequence[Role], longest_s: float) -> None:
        ratio = Ratio(roles)
        self._kept = round((longest_s + _LATE_S) * FRAME_RATE_HZ)
        self._pairs = dict(zip(ratio.sides, ratio.pairs, strict=True))
        self._abdominals = [i for i, r in enumerate(roles) if r.muscle in _ABDOMINALS]
        self._recent: list[Frames] = []
        self._indices: dict[float, dict[Side, dict[str, float]]] = {}  # by the start of the repetition

    def feed(self, frames: Frames, reps: Sequence[Rep]) -> None:
        """Take the next frames, and the repetitions that were decided in them."""
        if not len(frames):
            return
        self._recent.append(frames)
        for rep in reps:
            if rep.scored:
                self._indices[rep.start_s] = self._of(rep)
        oldest = frames.index[-1] - self._kept
        while self._recent[0].index[-1] < oldest:
            del self._recent[0]

    def of(self, rep: Rep) -> dict[Side, dict[str, float]]:
        """Give the indices of a repetition for each side, by their names in `gluteemg.report.document.OneSide`."""
        return self._indices.get(rep.start_s, {})

    def _of(self, rep: Rep) -> dict[Side, dict[str, float]]:
        """Compute from the frames of a repetition, those left out in which a muscle cannot be used."""
        first, end = round(rep.start_s * FRAME_RATE_HZ), round(rep.end_s * FRAME_RATE_HZ)
        rows = [(f, slice(*f.index.searchsorted((first, end)).tolist())) for f in self._recent]
        fast = np.concatenate([f.activation_fast[r] for f, r in rows])
        fast[np.concatenate([f.flags[r] for f, r in rows]) >= _UNUSABLE] = np.nan
        told: dict[Side, dict[str, float]] = {}
        for side, (glute, hamstrings) in self._pairs.items():
            glutes, others = fast[:, glute], mean_of(fast, hamstrings)
            told[side] = {
                "co_activation_falconer_winter": co_activation_falconer_winter(glutes, others),
                "co_activation_rudolph": co_activation_rudolph(glutes, others),
            }
            if self._abdominals and rep.phases is not None:
                hold = slice(*(round(t_s * FRAME_RATE_HZ) - first for t_s in (rep.phases.hold.start_s, rep.phases.hold.end_s)))
                abdominals = fast[hold, self._abdominals].max(axis=1)
                told[side]["co_contraction_share"] = co_contraction_share(abdominals, glutes[hold], GATE)
        return told


def lags(reps: Sequence[Rep], bursts: Sequence[MuscleBurst], side: Side) -> list[float]:
    """Give how much later than the hamstrings gluteus maximus begins in each repetition, in seconds; NaN where it is not known.

    In a slow rise the stronger muscle is heard first, whoever begins: only repetitions that rise within `_BRISK_S` tell. A
    burst that began long before the repetition is tone, not its beginning.
    """
    own = [burst for burst in bursts if burst.role.side == side]
    glutes = _begins(reps, [burst for burst in own if burst.role.muscle == "gluteus_maximus"])
    hamstrings = _begins(reps, [burst for burst in own if burst.role.muscle in HAMSTRINGS])
    brisk = np.array([rep.rise_s is not None and rep.rise_s <= _BRISK_S for rep in reps], np.bool_)
    later: list[float] = np.where(brisk, glutes - hamstrings, np.nan).tolist()
    return later


def _begins(reps: Sequence[Rep], bursts: Sequence[MuscleBurst]) -> NDArray[np.float64]:
    """Give when the first burst of each repetition begins, shape (n_reps,); NaN where there is none."""
    if not bursts or not reps:
        return np.full(len(reps), np.nan)
    on_s, off_s = np.array(sorted((burst.on_s, burst.off_s) for burst in bursts)).T
    start_s, end_s = np.array([(rep.start_s, rep.end_s) for rep in reps]).T
    first = np.searchsorted(np.maximum.accumulate(off_s), start_s, side="right")
    found = np.append(on_s, np.inf)[first]
    return np.where((found < end_s) & (found > start_s - _BEFORE_S), found, np.nan)
