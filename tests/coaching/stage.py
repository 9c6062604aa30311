"""Frames and repetitions made by hand, to lead a coach through anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames, Verdict
from gluteemg.activation.ratio import LedBy
from gluteemg.activation.rep import Rep
from gluteemg.catalogue import load_advice, load_exercise, load_protocol, load_safety, load_texts
from gluteemg.coaching.coach import Coach, lead
from gluteemg.coaching.cue import Cue
from gluteemg.coaching.part import Now
from gluteemg.coaching.plan import Plan
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag
from gluteemg.sensors.source import Event

ROOT = Path(__file__).parents[2]
GLUTES, HAMSTRINGS = Role("gluteus_maximus", "left"), Role("hamstrings", "left")
ROLES = (GLUTES, HAMSTRINGS)
BRIDGE, ADVICE, SAFETY, TEXTS = load_exercise("bridge"), load_advice(), load_safety(), load_texts()
LEVELS = Calibration(
    method="submaximal",
    floor_method="rest",
    levels=tuple(Level(role=str(role), floor=2.0, reference=100.0, unit="uV") for role in ROLES),
)


def rep(
    end_s: float,
    *,
    lasts_s: float = 6.0,
    in_zone: bool = True,
    led_by: LedBy = "shared",
    over_floor: bool = True,
    scored: bool = True,
    counted: bool = True,
    reasons: tuple[str, ...] = (),
) -> Rep:
    """A repetition that ended at a time; a good one, if nothing else is said."""
    ln_ratio = {"glutes": 0.4, "shared": 0.0, "hamstrings": -0.8}[led_by]
    return Rep(
        start_s=end_s - lasts_s,
        end_s=end_s,
        activation={GLUTES: 0.5, HAMSTRINGS: 0.5},
        ln_ratio=ln_ratio if scored else None,
        led_by=led_by if scored else None,
        counted=counted,
        scored=scored,
        in_zone=in_zone if scored else None,
        over_floor=over_floor if scored else None,
        reasons=reasons,
        peak={GLUTES: 0.6, HAMSTRINGS: 0.5},
    )


def frames(
    index: int,
    n: int = 5,
    *,
    level: float = 0.0,
    flags: Sequence[Flag] = (Flag.GOOD, Flag.GOOD),
    elapsed_s: float | None = None,
    verdict: Verdict = Verdict.REST,
) -> Frames:
    """Frames from a grid index on, both muscles at one level; with `elapsed_s`, a repetition that lasts so long at the end."""
    activation = np.full((n, 2), level)
    elapsed = np.full(n, np.nan) if elapsed_s is None else elapsed_s - np.arange(n)[::-1] / FRAME_RATE_HZ
    return Frames(
        ROLES,
        index + np.arange(n),
        np.hypot(100 * activation, 2.0),
        np.hypot(100 * activation, 2.0),
        activation,
        activation,
        np.full((n, 2), flags, np.uint8),
        np.full(n, np.nan),
        np.full(n, verdict, np.uint8),
        elapsed,
    )


def plan(*steps: str, kind: str = "practice") -> Plan:
    """A plan of some steps, each the inside of a ``[[steps]]`` table."""
    text = "\n".join(f"[[steps]]\n{step}" for step in steps)
    return Plan.parse(f'id = "made"\nkind = "{kind}"\nsource = "a test"\n{text}', "made.toml")


BRIDGES = 'do = "practise"\nexercise = "bridge"\nsets = 2\nreps = 3\nrest_s = 20'


class Stage:
    """A coach with somebody to lead: time goes on as the test says.

    Parameters
    ----------
    steps : str
        Of the plan; one bridge exercise, if there are none.
    made : Plan, optional
        The plan itself, in their place.
    at_hand : bool
        What the exercises take lies ready: nothing need be fetched.
    """

    def __init__(
        self,
        *steps: str,
        kind: str = "practice",
        calibration: Calibration | None = LEVELS,
        made: Plan | None = None,
        at_hand: bool = True,
    ) -> None:
        made = made or plan(*(steps or (BRIDGES,)), kind=kind)
        exercises = {id: load_exercise(id) for id in made.exercises}
        if at_hand:
            exercises = {id: exercise.model_copy(update={"equipment": ()}) for id, exercise in exercises.items()}
        protocols = {id: load_protocol(id) for id in made.protocols}
        self.coach: Coach = lead(made, exercises, protocols, ADVICE, SAFETY)
        self.calibration = calibration
        self.index = 1000
        self.cues: list[Cue] = []
        self.events: list[Event] = []
        self.reps: list[Rep] = []

    @property
    def cue(self) -> Any:  # a Cue that changes with every feed: a checker would think that it stays
        return self.cues[-1]

    @property
    def now_s(self) -> float:
        return self.index / FRAME_RATE_HZ

    def feed(self, run: Frames, reps: Sequence[Rep] = ()) -> Cue:
        cue, events = self.coach.feed(Now(run, reps, self.calibration))
        self.index = int(run.index[-1]) + 1
        self.cues.append(cue)
        self.reps += reps
        for event in events:  # they go between the packets, and so come back
            self.events.append(event)
            self.coach.happen(event)
        return cue

    def wait(
        self,
        seconds: float,
        *,
        level: float = 0.0,
        flags: Sequence[Flag] = (Flag.GOOD, Flag.GOOD),
        verdict: Verdict = Verdict.REST,
        n: int = 5,
    ) -> Cue:
        """Let time pass, `n` frames at a time; with a level over rest, a repetition goes on."""
        for step in range(max(1, round(seconds * FRAME_RATE_HZ / n))):
            elapsed_s = None if level == 0.0 else (step + 1) * n / FRAME_RATE_HZ
            self.feed(frames(self.index, n, level=level, flags=flags, elapsed_s=elapsed_s, verdict=verdict))
        return self.cues[-1]

    def until(self, activity: str, most_s: float = 200.0) -> Cue:
        """Rest until the coach is in an activity."""
        for _ in range(round(most_s * 20)):
            if self.cues and self.cue.activity == activity:
                return self.cues[-1]
            self.wait(0.05)
        raise AssertionError(f"no {activity} within {most_s} s: it is {self.cue}")

    def rep(self, lasts_s: float = 6.0, **what: object) -> Cue:
        """Do a repetition, and rest until it is decided."""
        self.wait(lasts_s, level=0.5, verdict=Verdict.IN_ZONE)
        end_s = self.now_s
        self.wait(0.4)
        return self.feed(frames(self.index), [rep(end_s, lasts_s=lasts_s, **what)])  # type: ignore[arg-type]

    def press(self, kind: str, **detail: object) -> None:
        self.coach.happen(Event(kind, detail))

    @property
    def counting(self) -> bool:
        """Whether repetitions are looked for, by the events so far."""
        by_coach = [event.kind for event in self.events if event.detail.get("by") == "coach"]
        return not by_coach or by_coach[-1] == "resume"

    def signs(self) -> list[str]:
        return [sign for cue in self.cues for sign in cue.signs]
