"""How muscles begin within a repetition: told of brisk ones alone, and of bursts that belong to them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from gluteemg.activation.bursts import MuscleBurst
from gluteemg.activation.rep import Phases, Rep, RepPhase
from gluteemg.muscles import Role
from gluteemg.report.together import lags

_GLUTES, _HAMSTRINGS = Role("gluteus_maximus", "left"), Role("hamstrings", "left")


def _rep(start_s: float, rise_s: float = 0.3) -> Rep:
    cuts = (start_s, start_s + rise_s, start_s + 2.0, start_s + 2.5)
    phases = Phases(*(RepPhase(a, b, {}) for a, b in pairwise(cuts)))
    return Rep(start_s, start_s + 2.5, {}, 0.0, "shared", True, True, None, None, phases=phases)


def _burst(role: Role, on_s: float, off_s: float) -> MuscleBurst:
    return MuscleBurst(role, on_s, off_s, on_s + 0.05)


_REPS = [_rep(10.0), _rep(15.0), _rep(20.0)]


def test_a_lag_is_from_the_first_bursts_of_each_repetition() -> None:
    bursts = [_burst(_GLUTES, r.start_s + 0.03, r.end_s) for r in _REPS]
    bursts += [_burst(_HAMSTRINGS, r.start_s - 0.05, r.end_s - 0.2) for r in _REPS]
    assert lags(_REPS, bursts, "left") == pytest.approx([0.08] * 3)
    assert np.isnan(lags(_REPS, bursts, "right")).all()


def test_tone_that_goes_on_between_repetitions_begins_none_of_them() -> None:
    bursts = [_burst(_GLUTES, r.start_s, r.end_s) for r in _REPS]
    assert np.isnan(lags(_REPS, [*bursts, _burst(_HAMSTRINGS, 2.0, 58.0)], "left")).all()


def test_in_a_slow_rise_nobody_can_tell_who_began() -> None:
    slow = [replace(rep, phases=_rep(rep.start_s, 1.2).phases) for rep in _REPS]
    bursts = [_burst(role, r.start_s, r.end_s) for r in _REPS for role in (_GLUTES, _HAMSTRINGS)]
    assert np.isnan(lags(slow, bursts, "left")).all()
