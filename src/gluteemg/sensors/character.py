"""How simulated people work, what they make of an advice, and what comes over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from gluteemg.errors import GluteemgError
from gluteemg.sensors.person import SCENARIOS


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that comes over a person: in the middle of a repetition, the nth of the session.

    Parameters
    ----------
    kind : {"pause", "cramp", "hurt", "lose"}
        They pause; a muscle cramps; something hurts; a sensor falls off, that of the first muscle worn.
    rep : int
        From 1.
    lasts_s : float
        Until they go on, or have put the sensor back.
    """

    kind: Literal["pause", "cramp", "hurt", "lose"]
    rep: int = 3
    lasts_s: float = 12.0


@dataclass(frozen=True, slots=True)
class Character:
    """How somebody works before anything is said to them, and what they make of it.

    Parameters
    ----------
    glutes, hamstrings : float
        Activation at the top of a repetition.
    better_by : float
        What a variant adds to ``ln R``, half of it to each muscle (chosen: two thirds of what Lehecka 2017 measured for heels
        closer, ``ln (75 / 24)`` in the hamstrings).
    advised : {"follows", "ignores", "declines"}
        What they make of an advice.
    clench : float
        Activation of the glutes while they stand or sit, before they have practised letting go.
    release_s : float
        How long they take to let go.
    tempo : float
        How long their repetitions take, as a fraction of the plan.
    right : float
        What the right side does, as a fraction of the left one.
    tires : float
        What every repetition of a set takes from ``ln R``.
    happenings : tuple of Happening
        What comes over them.
    """

    glutes: float
    hamstrings: float
    better_by: float = 0.7
    advised: Literal["follows", "ignores", "declines"] = "follows"
    clench: float = 0.0
    release_s: float = 0.4
    tempo: float = 1.0
    right: float = 1.0
    tires: float = 0.0
    happenings: tuple[Happening, ...] = ()


CHARACTERS: Mapping[str, Character] = {s.id: Character(s.glutes, s.hamstrings) for s in SCENARIOS.values()}
HABITS: Mapping[str, Mapping[str, Any]] = {
    "clenching": {"clench": 0.25, "release_s": 5.5},
    "ignoring": {"advised": "ignores"},
    "declining": {"advised": "declines"},
    "hasty": {"tempo": 0.35},
    "uneven": {"right": 0.55},
    "tiring": {"tires": 0.08},
    "pausing": {"happenings": (Happening("pause"),)},
    "cramping": {"happenings": (Happening("cramp"),)},
    "hurting": {"happenings": (Happening("hurt"),)},
    "losing": {"happenings": (Happening("lose", lasts_s=25.0),)},
}
"""What a character may have besides, by name; numbers chosen so that the coach has something to say."""


def character_of(text: str) -> Character:
    """Make a character from its name and its habits, such as ``shared,clenching,hasty``.

    Raises
    ------
    GluteemgError
        If there is no such character or habit.
    """
    name, *habits = text.split(",")
    if name not in CHARACTERS:
        raise GluteemgError(f"There is no simulated person {name!r}: use one of {', '.join(CHARACTERS)}.")
    if unknown := [habit for habit in habits if habit not in HABITS]:
        raise GluteemgError(f"Simulated people are never {', '.join(unknown)}: they may be {', '.join(HABITS)}.")
    character = CHARACTERS[name]
    for habit in habits:
        own = character.happenings + HABITS[habit].get("happenings", ())
        character = replace(character, **{**HABITS[habit], "happenings": own})
    return character
