"""A simulated person who follows a script, with the truth about every repetition.

Everything is a pure function of the seed and of script time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gluteemg.muscles import HAMSTRINGS, Role


class Simulated(Protocol):
    """A simulated person, as their sensors know them: everything is a function of script time."""

    @property
    def seed(self) -> int:
        """What decides every random number about them."""
        ...

    def activation(self, role: Role, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the true activation of a muscle as a fraction of its reference, shape (n,)."""
        ...

    def since_s(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the seconds since the latest movement began, shape (n,); negative before the first."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the script, as the person is told: they follow `REACTION_S` later.

    Parameters
    ----------
    name : str
        What is asked for.
    start_s, end_s : float
        Script time, seconds from the first sample.
    """

    name: str
    start_s: float
    end_s: float


REST = Step("rest", 0.0, 4.0)
SQUEEZE = Step("squeeze", 4.5, 6.5)
"""Gluteus maximus and medius at exactly their reference."""
HEEL_DIG = Step("heel_dig", 7.0, 9.0)
"""Hamstrings at exactly their reference."""

DEMO_STEPS = (REST, SQUEEZE, HEEL_DIG)
"""What the demo asks for before the repetitions."""

FIRST_REP_S = 9.8
"""When the repetitions begin (chosen: with the period, three whole ones have ended by 19.0 s)."""
REP_PERIOD_S = 3.25
"""From one repetition to the next (chosen: at least 0.8 s of rest between)."""
REP_S = 2.4
"""Work in one repetition, rise and fall included (chosen)."""
REACTION_S = 0.2
"""From a cue to the first activity (chosen: a simple reaction to a sound takes 0.15 to 0.25 s)."""
_REACTION_SPREAD_S = 0.05
_OVERHOLD_S = 0.1  # how long a step is held past its end
_STEP_RAMP_S = 0.25  # rise and fall of a step (chosen: a brisk voluntary contraction)
_REP_RAMP_S = 0.5  # rise and fall of a repetition (chosen: a slow lift)
_LEVEL_SPREAD = 0.06  # SD of ln(level) from rep to rep (chosen, at the lower end of the 11 to 22 % of Bolgla & Uhl 2007)
_RATIO_SPREAD = 0.08  # SD of ln(ratio) from rep to rep (chosen: moves the share of one rep by 0.02)
_LEAK = 0.07
"""Share of its reference that a muscle shows in a step meant for another: co-contraction and cross-talk (chosen)."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """How a simulated person works in a repetition.

    Parameters
    ----------
    id : str
        Its name on the command line.
    glutes, hamstrings : float
        Activation at the top of a repetition, as a fraction of the reference.
    others : float
        The same for every other muscle.
    """

    id: str
    glutes: float
    hamstrings: float
    others: float = 0.15

    def level(self, muscle: str) -> float:
        """Give the activation of `muscle` at the top of a repetition; the medius follows the maximus at 0.8 (chosen)."""
        if muscle in HAMSTRINGS:
            return self.hamstrings
        return {"gluteus_maximus": 1.0, "gluteus_medius": 0.8}.get(muscle, 0.0) * self.glutes or self.others


SCENARIOS: Mapping[str, Scenario] = {
    s.id: s
    for s in (
        Scenario("hamstring-led", glutes=0.30, hamstrings=0.70),  # share 0.30
        Scenario("shared", glutes=0.55, hamstrings=0.55),  # share 0.50
        Scenario("glute-led", glutes=0.75, hamstrings=0.32),  # share 0.70
    )
}


@dataclass(frozen=True, slots=True)
class TrueRep:
    """What one repetition really was: its span in script time and the activation at its top."""

    start_s: float
    end_s: float
    glutes: float
    hamstrings: float

    @property
    def ln_ratio(self) -> float:
        """``ln(glutes / hamstrings)``; rise and fall are common, so the means have the same ratio."""
        return float(np.log(self.glutes / self.hamstrings))


@dataclass(frozen=True, slots=True)
class Person:
    """A person who follows the script and then does repetitions for ever; left and right work alike.

    Parameters
    ----------
    scenario : Scenario
        Which muscle does the work.
    seed : int
        Decides the variation from repetition to repetition.
    steps : sequence of Step
        What they are asked for first: any number of times ``squeeze`` and ``heel_dig``, each at exactly the reference. Other
        names are rest.
    first_rep_s : float
        When the repetitions begin, script time.
    """

    scenario: Scenario
    seed: int = 0
    steps: Sequence[Step] = DEMO_STEPS
    first_rep_s: float = FIRST_REP_S

    def activation(self, role: Role, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the true activation of a muscle, as a fraction of its reference.

        Parameters
        ----------
        role : Role
            The muscle; its side changes nothing.
        t_s : ndarray of shape (n,)
            Script time.

        Returns
        -------
        ndarray of shape (n,)
        """
        muscle = role.muscle
        squeezing = 1.0 if muscle in ("gluteus_maximus", "gluteus_medius") else _LEAK
        part = {SQUEEZE.name: squeezing, HEEL_DIG.name: 1.0 if muscle in HAMSTRINGS else _LEAK}
        number, since_s = self.rep_at(t_s)
        factor = self._factors(number)[:, int(muscle in HAMSTRINGS)]
        rep = self.scenario.level(muscle) * factor * plateau(since_s, REP_S, _REP_RAMP_S)
        asked = (part[step.name] * _follow(step, t_s) for step in self.steps if step.name in part)
        return sum(asked, np.zeros(len(t_s))) + rep

    def since_s(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the seconds since the first activity of the repetition whose turn it is; negative before it."""
        return self.rep_at(t_s)[1]

    def rep_at(self, t_s: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Give the number of the repetition whose turn it is, and the seconds since its first activity (negative before)."""
        number = np.maximum((t_s - self.first_rep_s) // REP_PERIOD_S, 0).astype(np.int64)
        return number, t_s - self._starts(number)

    def reps(self, end_s: float) -> tuple[TrueRep, ...]:
        """Give the repetitions that have ended by `end_s` of script time."""
        number = np.arange(max(0, int((end_s - self.first_rep_s) // REP_PERIOD_S) + 1))
        starts, factors = self._starts(number), self._factors(number)
        glutes, hamstrings = self.scenario.glutes * factors[:, 0], self.scenario.hamstrings * factors[:, 1]
        rows = zip(starts.tolist(), (starts + REP_S).tolist(), glutes.tolist(), hamstrings.tolist(), strict=True)
        return tuple(TrueRep(*row) for row in rows if row[1] <= end_s)

    def share(self, end_s: float) -> float | None:
        """Give the true glute share of the repetitions ended by `end_s`, from their mean ``ln R``; None without any."""
        reps = self.reps(end_s)
        return float(1 / (1 + np.exp(-np.mean([r.ln_ratio for r in reps])))) if reps else None

    def _starts(self, number: NDArray[np.int64]) -> NDArray[np.float64]:
        reaction_s = REACTION_S + _REACTION_SPREAD_S * self._draws(number)[:, 2]
        starts: NDArray[np.float64] = self.first_rep_s + REP_PERIOD_S * number + reaction_s
        return starts

    def _factors(self, number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give glute and hamstring levels of each repetition relative to the scenario's, shape (n, 2)."""
        draws = self._draws(number)
        level, ratio = _LEVEL_SPREAD * draws[:, 0], _RATIO_SPREAD * draws[:, 1]
        factors: NDArray[np.float64] = np.exp(np.column_stack((level + ratio / 2, level - ratio / 2)))
        return factors

    def _draws(self, number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the row of `_rep_draws` that belongs to each repetition."""
        last = int(number.max(initial=0))
        first = int(number.min(initial=last)) // _REPS_DRAWN
        drawn = [_rep_draws(self.seed, page) for page in range(first, last // _REPS_DRAWN + 1)]
        return np.concatenate(drawn)[number - first * _REPS_DRAWN]


_REPS_DRAWN = 64  # repetitions whose variation is drawn at once (chosen)
_REPS = 3  # its stream of random numbers, beside those of the sensors


@lru_cache(maxsize=64)
def _rep_draws(seed: int, page: int) -> NDArray[np.float64]:
    """Level, ratio (standard normal, held within two SD) and reaction (0 to 1) of `_REPS_DRAWN` repetitions."""
    random = np.random.default_rng((seed, _REPS, page))
    normal = np.clip(random.standard_normal((_REPS_DRAWN, 2)), -2, 2)
    return np.column_stack((normal, random.random(_REPS_DRAWN)))


def _follow(step: Step, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell how far the person follows a step, 0 to 1: late at its start, a little late at its end."""
    start_s = step.start_s + REACTION_S
    return plateau(t_s - start_s, step.end_s + _OVERHOLD_S + _STEP_RAMP_S - start_s, _STEP_RAMP_S)


def plateau(since_s: NDArray[np.float64], length_s: float, rise_s: float, fall_s: float | None = None) -> NDArray[np.float64]:
    """Rise smoothly to one and fall to zero within `length_s`; as long as the rise, if not told how long the fall takes."""
    part = np.minimum(since_s / rise_s, (length_s - since_s) / (fall_s or rise_s))
    smooth: NDArray[np.float64] = 0.5 - 0.5 * np.cos(np.pi * np.clip(part, 0, 1))
    return smooth
