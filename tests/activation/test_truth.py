"""Simulated sessions against the truth: a small part of ``benchmarks/truth.py``, whose page has the figures of all of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from benchmarks.truth import CLEAN, Case, Outcome, Told, run, swapped

from gluteemg.sensors.person import SCENARIOS


def sessions(case: Case, seeds: Sequence[int] = (0, 1)) -> list[Outcome]:
    return [run(case, scenario, seed, reps=4) for scenario in SCENARIOS for seed in seeds]


def scored(outcomes: Sequence[Outcome]) -> list[Told]:
    return [t for o in outcomes for t in o.told if t.scored]


@pytest.mark.parametrize(
    ("case", "share_error", "bias"),
    [
        (Case(), 0.03, 0.06),
        (Case(snr_db=10), 0.06, 0.10),
        (Case(rate_hz=250), 0.05, 0.08),
        (Case(snr_db=30, fat_mm=9), 0.04, 0.08),
    ],
    ids=str,
)
def test_the_share_is_the_true_one_and_no_repetition_is_missed_or_invented(case: Case, share_error: float, bias: float) -> None:
    outcomes = sessions(case)
    told = scored(outcomes)
    assert sum(o.invented for o in outcomes) == 0
    assert len(told) == sum(len(o.told) for o in outcomes)
    assert np.quantile([t.share_error for t in told], 0.9) < share_error
    assert abs(np.mean([t.error for t in told])) < bias
    assert not any(swapped(t) for t in told)
    assert np.mean([t.covered for t in told]) > 0.85


def test_what_is_too_noisy_is_refused_or_right_but_never_swapped() -> None:
    for case in (Case(snr_db=6), Case(snr_db=6, rate_hz=200, loss=0.01)):
        outcomes = sessions(case, seeds=(0,))
        assert sum(o.invented for o in outcomes) == 0
        for told in (t for o in outcomes for t in o.told):
            assert not swapped(told)
            if told.rep is not None and not told.scored:
                assert told.rep.reasons


def test_a_lot_of_loss_is_refused_with_its_reason() -> None:
    outcomes = sessions(Case(loss=0.05), seeds=(0,))
    assert not scored(outcomes)


def test_cross_talk_pulls_towards_the_neighbour_and_no_stated_range_knows_it() -> None:
    """So what is stated must not be sold as all there is."""
    told = scored([run(Case(crosstalk=0.2), "hamstring-led", seed, reps=4) for seed in range(2)])
    assert np.mean([t.error for t in told]) > 0.2
    assert np.mean([t.covered for t in told]) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), [row for _, rows in CLEAN for row in rows])
def test_without_cross_talk_the_stated_range_covers_the_truth_in_nine_of_ten(name: str, case: Case) -> None:
    told = scored([run(case, scenario, seed) for scenario in SCENARIOS for seed in range(6)])
    assert not told or np.mean([t.covered for t in told]) >= 0.90, name
    assert not any(swapped(t) for t in told)
