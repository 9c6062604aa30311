"""A plan gone through without hardware: a simulated person hears the coach, and does as they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.protocol import Protocol
from gluteemg.activation.protocol import Step as Trial
from gluteemg.catalogue import load_profile
from gluteemg.coaching.cue import Cue
from gluteemg.coaching.exercise import Exercise, Variant
from gluteemg.errors import GluteemgError
from gluteemg.muscles import HAMSTRINGS, SIDES, TRUNK, Placement, Role, Side
from gluteemg.sensors.character import Character, Happening, character_of
from gluteemg.sensors.simulator import SimulatedSensor
from gluteemg.sensors.source import Event
from gluteemg.sensors.trainee import Effort, Trainee, TraineeSource

_ONE_SIDE = ("gluteus_maximus:left", "gluteus_medius:left", "hamstrings:left")
_OTHER_SIDE = ("gluteus_maximus:right", "gluteus_medius:right", "hamstrings:right")
WORN: Mapping[int, tuple[str, ...]] = {
    1: _ONE_SIDE[:1],
    3: _ONE_SIDE,
    4: (*_ONE_SIDE, *_OTHER_SIDE[:1]),
    6: (*_ONE_SIDE, *_OTHER_SIDE),
    8: (*_ONE_SIDE, *_OTHER_SIDE, "erector_spinae:left", "internal_oblique:left"),
}
"""What is worn with so many channels."""
REACTION_S = 0.25
"""From a word to the first activity (chosen: a simple reaction to a sound takes 0.15 to 0.25 s)."""
ANSWER_S = 3.0
"""From a question to its answer (chosen)."""
_SPREAD = 0.06  # SD of ln(level) from repetition to repetition (chosen, as for the person of the demo)
_BETWEEN_S = 1.3  # rest between two repetitions (chosen)
_SOON = 0.3  # of the first phase in which they join in where time leads (chosen)
_LEAK = 0.07  # of a muscle in an effort meant for another (chosen, as for the person of the demo)
_TRUNK_LEVEL, _OTHER_LEVEL, _MEDIUS = 0.35, 0.5, 0.8
"""Trunk and other muscles at the top of a repetition that is theirs, and gluteus medius against maximus (chosen)."""
_EASY = 0.55
"""What anybody's glutes reach at least where the hamstrings cannot do it for them: a squeeze, a clamshell (chosen)."""
_PART: Mapping[str, float] = {"leads": 1.0, "helps": 0.5, "watched": 0.4, "rests": 0.1}
"""Of what a muscle can do, by what the exercise wants from it (chosen; the published figures scatter more than that)."""
_IDLE_SIDE = 0.2
"""What the side that does not work does of what the other does: it carries (chosen)."""
_LEARNS = 0.7
"""What a cycle of contracting and letting go leaves of a clench, and of the time that letting go takes (chosen)."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What following an advice does: to ``ln R``, to the glutes, to everything; to the tempo, which becomes the planned one."""

    ln_ratio: float = 0.0
    glutes: float = 1.0
    all: float = 1.0
    slows: bool = False


_EFFECTS: Mapping[str, Effect] = {
    "squeeze_more": Effect(glutes=1.2),
    "lift_higher": Effect(glutes=1.3),
    "slow_down": Effect(slows=True),
    "ease_off": Effect(all=0.85),
}
_ANSWERS: Mapping[str, object] = {
    "clearance": True,
    "wearing": [],
    "symptoms": [],
    "pain_before": 1,
    "pain_during": 2,
    "pain_after": 1,
    "rpe": 4,
    "cramp": [],
    "note": "",
}
"""What somebody answers who is well."""

_KEYS: Mapping[str, str] = {"cramp": "cramp", "hurt": "hurts"}
"""What they press then."""


@dataclass
class _Mood:
    """What the person has in mind."""

    character: Character
    heard: str = ""
    free_s: float = 0.0  # the latest effort ends
    reps: int = 0  # of the session
    side: Side | None = None  # that was asked for
    taken: set[str] = field(default_factory=set)  # advice that was followed
    declined: set[str] = field(default_factory=set)
    later: list[tuple[float, Event]] = field(default_factory=list)  # what they will say, and when


class Rehearsal:
    """A simulated person with virtual sensors, who listens.

    Parameters
    ----------
    character : str
        See `gluteemg.sensors.character.character_of`.
    exercises : mapping of str to Exercise
        What the plan practises, so that they know how.
    protocols : mapping of str to Protocol, optional
        What it measures, likewise.
    channels : int
        How many channels they wear: one of `WORN`.
    seed : int
        Another seed, another person.
    absent : mapping of str to sequence of (float, float)
        When a sensor cannot be heard, by its role; see `TraineeSource`.
    answers : mapping of str to value, optional
        What they answer to a question, by its id, if not that they are well.
    speed : float, optional
        How many times as fast as a clock on the wall; as fast as can be, if not given.

    Attributes
    ----------
    did : list of (float, str)
        What they did, with its script time.

    Raises
    ------
    GluteemgError
        If there is no such character, or number of channels.
    """

    def __init__(
        self,
        character: str,
        exercises: Mapping[str, Exercise],
        protocols: Mapping[str, Protocol] | None = None,
        *,
        channels: int = 3,
        seed: int = 0,
        absent: Mapping[str, Sequence[tuple[float, float]]] | None = None,
        answers: Mapping[str, object] | None = None,
        speed: float | None = None,
    ) -> None:
        if channels not in WORN:
            raise GluteemgError(f"Nobody wears {channels} channels here: use one of {', '.join(map(str, WORN))}.")
        self._name, self._mood = character, _Mood(character_of(character))
        profile = load_profile("umyo-gatt")
        names = {Role.parse(text): _name(Role.parse(text)) for text in WORN[channels]}
        self._trainee = Trainee(seed)
        sensors = [SimulatedSensor(name, profile, [role], self._trainee) for role, name in names.items()]
        gone = {names[Role.parse(role)]: spans for role, spans in (absent or {}).items()}
        self.source = TraineeSource(sensors, absent=gone, speed=speed, seed=seed)
        self.placements = tuple(Placement(name, 0, role) for role, name in names.items())
        self.did: list[tuple[float, str]] = []
        self._ln_ratios: list[float] = []
        self._exercises = exercises
        self._trials = {trial.id: trial for protocol in (protocols or {}).values() for trial in protocol.steps}
        asked = [trial.effort for trial in self._trials.values() if trial.kind == "reference" and trial.effort]
        self._full = max(asked, default=10.0)  # the effort that stands for a reference
        self._answers = {**_ANSWERS, **(answers or {})}
        self._random = np.random.default_rng((seed, 5))

    @property
    def truth(self) -> dict[str, Any]:
        """How many repetitions they did, and the mean share of those in which the hamstrings are to follow the glutes."""
        share = 1 / (1 + np.exp(-np.mean(self._ln_ratios))) if self._ln_ratios else None
        return {"scenario": self._name, "share": None if share is None else float(share), "reps": self._mood.reps}

    def hear(self, cue: Cue) -> None:
        """Take in what is shown and said now; do something about it."""
        mood, now_s = self._mood, self.source.now_s + REACTION_S
        said, fills = ("", {}) if cue.instruction is None else (cue.instruction.id, cue.instruction.fills)
        heard = f"{cue.activity} {said} {cue.rep_number} {cue.set_number} {fills.get('number')} {cue.question}"
        new, mood.heard = heard != mood.heard, heard
        self._speak(now_s)
        self._heed(cue)
        if said.startswith(("ready.exercise", "rest.next_set")):
            mood.side = next((side for side in SIDES if said.endswith(side)), None)
        if cue.activity == "work" and cue.exercise is not None:
            self._work(cue, self._asked_for(cue), now_s)
        elif new:
            self._turn_to(cue, said, fills, now_s)

    def _turn_to(self, cue: Cue, said: str, fills: Mapping[str, str | int | float], now_s: float) -> None:
        """Begin what is new."""
        match cue.activity:
            case "measure":
                self._follow(self._trials.get(said.removeprefix("reference.")), now_s, float(fills.get("seconds", 0)))
            case "relax":
                self._relax(said, now_s, 0.0 if cue.timer is None else cue.timer.left_s)
            case "watch":
                self._stand(now_s, seen=cue.verdict is not None)
            case "hold":
                self._repeat(cue, now_s + 0.5, lasts_s=float(fills["seconds"]) + 1.0)
            case _:
                self._trainee.let_go(now_s)
        if cue.question is not None:
            value = self._answers[cue.question]
            self._later(now_s + ANSWER_S, "answer", question=cue.question, value=value)
        if cue.activity == "paused":
            self._later(now_s + Happening("pause").lasts_s, "resume")

    def _later(self, at_s: float, kind: str, **detail: object) -> None:
        self._mood.later.append((at_s, Event(kind, detail)))

    def _speak(self, now_s: float) -> None:
        """Say what is due."""
        due = [event for at_s, event in self._mood.later if at_s <= now_s]
        self._mood.later = [(at_s, event) for at_s, event in self._mood.later if at_s > now_s]
        for event in due:
            if event.detail.get("key") == "cramp":  # and it is remembered when they are asked
                self._answers = {**self._answers, "cramp": ["hamstrings"]}
            if event.kind == "lose":
                sensor, role = self.placements[0].sensor, self.placements[0].role
                self.source.lose(sensor, event.detail["seconds"])
                self._note(f"loses the {role.side} {role.muscle.replace('_', ' ')} sensor for {event.detail['seconds']:g} s")
                continue
            if event.kind in ("key", "pause"):
                self._trainee.let_go(now_s)
                self._mood.free_s = now_s + float(event.detail.get("waits_s", 0.0))
            self._note(_told(event))
            self.source.say(Event(event.kind, {k: v for k, v in event.detail.items() if k != "waits_s"}))

    def _heed(self, cue: Cue) -> None:
        """Take an advice, or not."""
        mood = self._mood
        if cue.advice is None or cue.warning:
            return
        advice = cue.advice.id.removeprefix("advice.")
        if mood.character.advised == "follows":
            mood.taken.add(advice)
        elif mood.character.advised == "declines" and advice not in mood.declined:
            mood.declined.add(advice)
            self._later(self.source.now_s + 2.0, "key", key="decline")

    def _follow(self, trial: Trial | None, now_s: float, lasts_s: float) -> None:
        """Do what a step of a protocol asks for; without one, nothing."""
        self._trainee.let_go(now_s)
        if trial is None or not trial.muscles:
            return
        level = (trial.effort or self._full) / self._full
        moves = {*trial.muscles, *(HAMSTRINGS if "hamstrings" in trial.muscles else ())}
        self._note(f"{trial.id.replace('_', ' ')}, {100 * level:.0f} % of the reference")
        everything = {role.muscle for role in map(Role.parse, WORN[8])} | HAMSTRINGS
        self._do(now_s, lasts_s, {m: level if m in moves else _LEAK for m in everything | moves}, fall_s=0.3)

    def _stand(self, now_s: float, *, seen: bool) -> None:
        """Be in a posture that is watched, with a clench or without, until it was seen."""
        clench = self._mood.character.clench
        if seen:
            self._trainee.let_go(now_s)
        elif clench > _LEAK:
            self._note(f"holds the glutes at {100 * clench:.0f} % without noticing")
            self._do(now_s, 60.0, self._glutes(clench))

    def _work(self, cue: Cue, exercise: Exercise, now_s: float) -> None:
        """Begin a repetition, if there are more to do, after a rest; where time leads, with the first phase."""
        between_s = max(_BETWEEN_S, sum(phase.tempo_s for phase in exercise.phases if phase.loose))
        led = cue.phase == exercise.phases[0].id and cue.phase_fraction < _SOON
        rested = now_s >= self._mood.free_s + (0.0 if led else between_s)
        if rested and (led or cue.phase is None) and cue.rep_number < (cue.reps or 10**6):
            self._repeat(cue, now_s)

    def _relax(self, said: str, now_s: float, lasts_s: float) -> None:
        character = self._mood.character
        if said == "relax.squeeze":
            self._note(f"squeezes; will take {character.release_s:.1f} s to let go")
            self._do(now_s, lasts_s + character.release_s, self._glutes(0.6), fall_s=character.release_s)
        elif said == "relax.let_go":
            release_s = max(0.3, _LEARNS * character.release_s)
            self._mood.character = replace(character, release_s=release_s, clench=_LEARNS * character.clench)

    def _repeat(self, cue: Cue, now_s: float, lasts_s: float | None = None) -> None:
        """Do one repetition, by the tempo of the exercise, in the way that was advised."""
        mood, exercise = self._mood, self._asked_for(cue)
        effects = [e for e in (self._effect(id, exercise) for id in sorted(mood.taken)) if e is not None]
        levels = self._levels(exercise, effects, cue.rep_number, np.exp(_SPREAD * self._random.standard_normal(3)))
        tempo = 1.0 if any(effect.slows for effect in effects) else mood.character.tempo
        lasts_s = lasts_s or exercise.work_s * tempo
        side = mood.side
        if exercise.side_mode == "alternating":
            side = SIDES[mood.reps % 2]
        mood.reps += 1
        told = ", ".join(f"{muscle.replace('_', ' ')} {100 * levels[muscle]:.0f} %" for muscle in _shown(exercise))
        where = "" if side is None else f", {side}"
        self._note(f"{exercise.id.replace('_', ' ')}{where}, {lasts_s:.0f} s: {told}")
        if "hamstrings" in exercise.requires:
            self._ln_ratios.append(float(np.log(levels["gluteus_maximus"] / levels["hamstrings"])))
        for each in SIDES:
            part = (1.0 if side in (None, each) else _IDLE_SIDE) * (mood.character.right if each == "right" else 1.0)
            self._do(
                now_s,
                lasts_s,
                {muscle: part * level for muscle, level in levels.items()},
                rise_s=min(0.6, lasts_s / 3),
                fall_s=max(min(0.8, lasts_s / 3), min(mood.character.release_s, lasts_s / 2)),
                side=each,
            )
        self._undergo(now_s + min(2.0, lasts_s / 2))

    def _undergo(self, at_s: float) -> None:
        """Let come over them what comes in this repetition."""
        for happening in (h for h in self._mood.character.happenings if h.rep == self._mood.reps):
            match happening.kind:
                case "pause":
                    self._later(at_s, "pause", waits_s=happening.lasts_s)
                case "lose":
                    self._later(at_s, "lose", seconds=happening.lasts_s)
                case _:
                    self._later(at_s, "key", key=_KEYS[happening.kind], waits_s=happening.lasts_s)

    def _levels(self, exercise: Exercise, effects: Sequence[Effect], rep: int, draws: NDArray[np.float64]) -> dict[str, float]:
        """Give what each muscle does at the top of a repetition."""
        character = self._mood.character
        change = sum(effect.ln_ratio for effect in effects) - character.tires * rep
        glutes = character.glutes * float(np.prod([effect.glutes for effect in effects]))
        hamstrings = character.hamstrings
        if "hamstrings" not in exercise.requires:
            glutes, hamstrings = max(glutes, _EASY), min(hamstrings, _EASY)
        can = dict.fromkeys(TRUNK, _TRUNK_LEVEL) | dict.fromkeys((*exercise.target, *exercise.watch), _OTHER_LEVEL)
        can |= {muscle: hamstrings * np.exp(-change / 2) * draws[1] for muscle in HAMSTRINGS}
        can |= {"gluteus_maximus": glutes * np.exp(change / 2) * draws[0]}
        medius = max(glutes, _EASY) if exercise.target[0] == "gluteus_medius" else _MEDIUS * glutes
        can |= {"gluteus_medius": medius * draws[2]}
        can |= {muscle: _TRUNK_LEVEL for muscle in (*exercise.target, *exercise.watch) if muscle in TRUNK}
        effort = float(np.prod([effect.all for effect in effects]))
        return {muscle: float(effort * _PART[_part_of(muscle, exercise)] * level) for muscle, level in can.items()}

    def _asked_for(self, cue: Cue) -> Exercise:
        """Give what is practised now, as slow as it is asked for."""
        exercise = self._exercises[cue.exercise or ""]
        return exercise if cue.rung is None else exercise.slowed(cue.rung.tempo)

    def _effect(self, advice: str, exercise: Exercise) -> Effect | None:
        """Tell what an advice does that was taken, in this exercise."""
        variant = next((v for v in exercise.variants if v.id == advice), None)
        return _EFFECTS.get(advice) if variant is None else _effect_of(variant, self._mood.character)

    def _do(
        self,
        start_s: float,
        lasts_s: float,
        levels: Mapping[str, float],
        rise_s: float = 0.25,
        fall_s: float = 0.25,
        side: Side | None = None,
    ) -> None:
        self._trainee.do(Effort(start_s, start_s + lasts_s, levels, rise_s, fall_s, side))
        self._mood.free_s = start_s + lasts_s

    def _note(self, what: str) -> None:
        self.did.append((self.source.now_s, what))

    @staticmethod
    def _glutes(level: float) -> dict[str, float]:
        return {"gluteus_maximus": level, "gluteus_medius": level}


def _part_of(muscle: str, exercise: Exercise) -> str:
    """Tell what an exercise wants from a muscle."""
    leads, watched = {*exercise.target, *exercise.requires}, set(exercise.watch)
    if muscle in leads or (muscle in HAMSTRINGS and "hamstrings" in leads):
        return "leads"
    if muscle.startswith("gluteus") and any(other.startswith("gluteus") for other in leads):
        return "leads" if "hamstrings" in leads else "helps"
    return "watched" if muscle in watched or (muscle in HAMSTRINGS and "hamstrings" in watched) else "rests"


def _shown(exercise: Exercise) -> tuple[str, ...]:
    """Name the muscles that say how a repetition was done."""
    return tuple(dict.fromkeys((exercise.target[0], *exercise.requires)))


def _effect_of(variant: Variant, character: Character) -> Effect:
    """Give what a variant does: what it is offered for."""
    helps = set(variant.helps)
    return Effect(
        ln_ratio=character.better_by if helps & {"low_share", "under_zone", "take_over"} else 0.0,
        glutes=1.2 if "no_floor" in helps else 1.0,
    )


def _told(event: Event) -> str:
    """Put what they say or press into words."""
    if event.kind == "answer":
        value = event.detail["value"]
        named = "nothing" if value in ([], "") else "yes" if value is True else "no" if value is False else value
        return f"answers {event.detail['question']}: {named}"
    return {"pause": "pauses", "resume": "goes on"}.get(event.kind, f"presses {event.detail.get('key')}")


_LETTERS: Mapping[str, str] = {
    "gluteus_maximus": "GX",
    "gluteus_medius": "GD",
    "hamstrings": "HS",
    "erector_spinae": "ES",
    "internal_oblique": "IO",
}


def _name(role: Role) -> str:
    """Give a name as such sensors advertise them."""
    return f"uMyo-{_LETTERS[role.muscle]}{role.side[0].upper()}"
