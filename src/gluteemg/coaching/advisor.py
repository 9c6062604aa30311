"""Which one change to offer, from the repetitions of a set and what the person says: by a table of rules that is data.

The table (``exercises/advice/rules.toml``) says for each situation how often it must be seen and what is offered for it, in
order. The `Advisor` keeps the conduct: one change at a time, time to try it, silence where all is well, and never again what
was not wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from gluteemg.activation.clench import LATE_S, LET_GO
from gluteemg.activation.fatigue import trend
from gluteemg.activation.indices import symmetry_index
from gluteemg.activation.ratio import DEAD_BAND
from gluteemg.activation.rep import Rep
from gluteemg.coaching.exercise import Exercise, Id, Situation
from gluteemg.coaching.verdict import MOST_OFF, tempo_of
from gluteemg.definition import Definition, Part

TRY_REPS = 2
"""Scored repetitions that a change is given before the next one is offered (chosen: one can be chance)."""
WELL_REPS = 2
"""Scored repetitions in a row that no longer ask for a change, after which it is withdrawn (chosen, likewise)."""
BEGAN_REPS = 2
"""First repetitions of a set that tell how it began (chosen, likewise)."""
UNEVEN_PERCENT = 20.0
"""Symmetry index over which one side does much more: the upper end of the usual 15 to 20 % (``science.md`` 7)."""
VARIANTS = "variants"
"""Among what a rule offers: the exercise's own variants that help in its situation, in their order."""

Said = Literal["cramp"]
"""What no repetition shows: the person says it."""


class Rule(Part):
    """What is offered in one situation.

    Parameters
    ----------
    when : Situation
        What it is offered for.
    reps : int, optional
        How many scored repetitions in a row must show it; none where the person says it.
    offers : tuple of str
        Ids of changes, and ``variants``: the first that may be offered is.
    why : str
        Id of the line that says why, ``why.<id>`` in ``texts/``; a variant brings its own.
    source : str
        Where that is known from; "chosen" with the reason, where from nowhere.
    """

    when: Situation
    reps: int | None = Field(default=None, ge=1, le=10)
    offers: tuple[Id, ...] = Field(min_length=1)
    why: Id
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _is_seen_or_said(self) -> Self:
        if self.reps is None and self.when != "cramp":
            raise ValueError(f"{self.when} is seen in repetitions: say in how many, such as reps = 2")
        if self.reps is not None and self.when == "cramp":
            raise ValueError(f"{self.when} is said by the person, no repetition shows it: leave reps out")
        return self


class Change(Part):
    """One change that any exercise can be offered. Its words stand in ``texts/`` as ``advice.<id>``.

    Parameters
    ----------
    id : str
        Such as ``slow_down``.
    opposes : tuple of str
        Changes that undo it: never offered right after it, nor it after them.
    lasts : {"exercise", "set"}
        How long it holds: one that ends the set is over when the next begins, and may then be offered anew.
    """

    id: Id
    opposes: tuple[Id, ...] = ()
    lasts: Literal["exercise", "set"] = "exercise"


class AdviceTable(Definition):
    """What is offered, and when. Read one with ``AdviceTable.parse(text, name)``.

    Parameters
    ----------
    rules : tuple of Rule
        At most one for each situation, the one that matters most first.
    changes : tuple of Change
        What they offer besides the variants of the exercise.
    """

    rules: tuple[Rule, ...] = Field(min_length=1)
    changes: tuple[Change, ...] = ()

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        named: dict[str, list[str]] = {"rule for": [r.when for r in self.rules], "change": [c.id for c in self.changes]}
        for what, ids in named.items():
            if twice := sorted({id for id in ids if ids.count(id) > 1}):
                raise ValueError(f"there is more than one {what} {', '.join(twice)}: keep one")
        return self

    @model_validator(mode="after")
    def _offers_what_it_has(self) -> Self:
        known = {change.id for change in self.changes}
        if VARIANTS in known:
            raise ValueError(f"no change can be called {VARIANTS}: that stands for those of the exercise")
        offered = {id for rule in self.rules for id in rule.offers} - {VARIANTS}
        opposed = {id for change in self.changes for id in change.opposes}
        if unknown := sorted((offered | opposed) - known):
            raise ValueError(f"{', '.join(unknown)} is not among the changes: add it to them, or check its spelling")
        return self

    def without(self, situation: Situation) -> AdviceTable:
        """Give the same rules but for one situation."""
        return self.model_copy(update={"rules": tuple(rule for rule in self.rules if rule.when != situation)})

    @property
    def text_ids(self) -> tuple[str, ...]:
        """Ids of all words that it needs in ``texts/``."""
        return (*(f"advice.{change.id}" for change in self.changes), *(f"why.{rule.why}" for rule in self.rules))


@dataclass(frozen=True, slots=True)
class Advice:
    """One change that may help.

    Parameters
    ----------
    change : str
        Its words are ``advice.<change>``.
    why : str
        The line that says why is ``why.<why>``.
    situation : Situation
        What it is offered for.
    source : str
        Where that is known from.
    fills : mapping of str to str
        Of both texts: ``muscle``, the first target; ``side``, the one that does less, where one does.
    """

    change: str
    why: str
    situation: Situation
    source: str
    fills: Mapping[str, str] = field(default_factory=dict)


class Advisor:
    """Offers one change at a time while an exercise is practised.

    A change stays until `WELL_REPS` repetitions no longer ask for it, the person declines it, or another one takes its place,
    after `TRY_REPS` at least. One that was declined or did not help is not offered again; one that helped is, when its
    situation comes back. Repetitions that are not scored neither call for a change nor withdraw one.

    Parameters
    ----------
    table : AdviceTable
        The rules.
    exercise : Exercise
        What is practised, with its variants.
    variant : str, optional
        The variant that it begins with.

    Attributes
    ----------
    present : Advice or None
        What is offered now.
    """

    def __init__(self, table: AdviceTable, exercise: Exercise, variant: str | None = None) -> None:
        self._table, self._exercise = table, exercise
        self._set: list[Rep] = []  # scored ones of the present set
        self._since = 0 if variant else TRY_REPS  # scored repetitions since the last offer
        self._well = 0  # of these, the last in a row that did not ask for it
        self._given = [variant] if variant else []  # and not declined
        self._spent = set(self._given)  # offered, and not known to have helped
        self._opposes = {c.id: c.opposes for c in table.changes} | {v.id: v.opposes for v in exercise.variants}
        self._of_a_set = {c.id for c in table.changes if c.lasts == "set"}
        self.present: Advice | None = None

    def rep(self, rep: Rep) -> Advice | None:
        """Take a repetition that counts; give a change where there is a new one to offer."""
        if not rep.scored:
            return None
        self._set.append(rep)
        self._since += 1
        if self.present is not None:
            self._well = 0 if asks(self.present.situation, rep, self._exercise) else self._well + 1
            if self._well >= WELL_REPS:
                if self.present.situation != "cramp":  # no repetition tells that a cramp will not come back
                    self._spent.discard(self.present.change)
                self.present = None
        return self._offer(self._held()) if self._since >= TRY_REPS else None

    def report(self, situation: Said) -> Advice | None:
        """Take what the person says; give what is offered for it, at once."""
        return self._offer(rule for rule in self._table.rules if rule.when == situation)

    def decline(self) -> Advice | None:
        """Take the present change back for good; give the next best one, if there is one."""
        if self.present is None:
            return None
        declined, self.present = self.present, None
        self._given.pop()
        self._since = 0
        held = {declined.situation, *(rule.when for rule in self._held())}
        return self._offer((rule for rule in self._table.rules if rule.when in held), declined.fills)

    def begin_set(self) -> None:
        """Look at the repetitions from here on; a change that was meant for the last set only is over."""
        self._set = []
        if self.present is not None and self.present.change in self._of_a_set:
            self._spent.discard(self.present.change)
            self.present = None

    def _held(self) -> Iterator[Rule]:
        """Give the rules whose situation the set is in."""
        return (r for r in self._table.rules if r.reps and is_in(r.when, self._set, self._exercise, r.reps))

    def _offer(self, rules: Iterable[Rule], fills: Mapping[str, str] | None = None) -> Advice | None:
        """Make the first change that may be offered the present one; leave all as it is where there is none."""
        fills = {**(fills or {}), **self._fills()}
        for advice in (advice for rule in rules for advice in self._choices(rule, fills)):
            if advice.change not in self._spent and not self._undoes_the_last(advice.change):
                self.present, self._since, self._well = advice, 0, 0
                self._given.append(advice.change)
                self._spent.add(advice.change)
                return advice
        return None

    def _choices(self, rule: Rule, fills: Mapping[str, str]) -> Iterator[Advice]:
        for id in rule.offers:
            if id == VARIANTS:
                helping = (v for v in self._exercise.variants if rule.when in v.helps)
                yield from (Advice(v.id, v.id, rule.when, v.source, fills) for v in helping)
            else:
                yield Advice(id, rule.why, rule.when, rule.source, fills)

    def _undoes_the_last(self, change: str) -> bool:
        last = self._given[-1] if self._given else change
        return change in self._opposes[last] or last in self._opposes[change]

    def _fills(self) -> dict[str, str]:
        side = lesser_side(self._set[-1], self._exercise) if self._set else None
        return {"muscle": self._exercise.target[0]} | ({} if side is None else {"side": side})


def is_in(situation: Situation, reps: Sequence[Rep], exercise: Exercise, n: int) -> bool:
    """Tell whether a set is in a situation.

    Parameters
    ----------
    situation : Situation
        Which.
    reps : sequence of Rep
        The scored ones of the set, in order.
    exercise : Exercise
        What is practised.
    n : int
        How many of the last must show it.
    """
    last = reps[-n:]
    if len(last) < n or not all(asks(situation, rep, exercise) for rep in last):
        return False
    match situation:
        case "low_share":
            return all(rep.led_by == "hamstrings" for rep in last)
        case "under_zone":
            return not all(rep.led_by == "hamstrings" for rep in last)
        case "take_over":
            return _hamstrings_take_over(reps)
        case "early_fatigue":
            return _gets_tired(reps, n, exercise)
        case "one_sided":
            return len({lesser_side(rep, exercise) for rep in last}) == 1
        case _:
            return True


def asks(situation: Situation, rep: Rep, exercise: Exercise) -> bool:
    """Tell whether one repetition, by itself, still asks for what is offered in a situation."""
    match situation:
        case "low_share" | "under_zone" | "take_over":
            return rep.in_zone is False
        case "no_floor" | "early_fatigue":
            return rep.over_floor is False
        case "one_sided":
            return lesser_side(rep, exercise) is not None
        case "too_fast":
            tempo = tempo_of(rep, exercise)
            return tempo is not None and tempo < 1 - MOST_OFF
        case "not_letting_go":
            return _lingers(rep, exercise)
        case "cramp":
            return False


def lesser_side(rep: Rep, exercise: Exercise) -> str | None:
    """Give the side whose target does much less, by `UNEVEN_PERCENT`; None where both do alike or it cannot be told.

    Each side is read against its own reference. Only where both are to work at once, and both are worn.
    """
    by_side = {role.side: level for role, level in rep.activation.items() if role.muscle == exercise.target[0]}
    left, right = by_side.get("left"), by_side.get("right")
    if exercise.side_mode != "both" or left is None or right is None:
        return None
    index = float(symmetry_index(left, right))
    return None if not abs(index) > UNEVEN_PERCENT else "right" if index > 0 else "left"


def _hamstrings_take_over(reps: Sequence[Rep]) -> bool:
    """Tell whether a set began in its zone, and ``ln R`` surely falls since, by more than two readings of the same differ."""
    course = trend([rep.ln_ratio for rep in reps])
    if course is None or not all(rep.in_zone for rep in reps[:BEGAN_REPS]):
        return False
    return course.direction < 0 and course.slope * (len(reps) - 1) <= -DEAD_BAND


def _gets_tired(reps: Sequence[Rep], n: int, exercise: Exercise) -> bool:
    """Tell whether the target reached its floor at first, and now comes less high by more than chance.

    Without a spectrum: that takes eight repetitions and 1000 Hz (`gluteemg.activation.fatigue`). To come from just over the
    floor to just under it is no sign of anything, so the highest 500 ms must be lower by the dead band.
    """
    began = reps[:BEGAN_REPS]
    if len(reps) < BEGAN_REPS + n or not all(rep.over_floor for rep in began):
        return False
    before, now = ([_highest(rep, exercise) for rep in some] for some in (began, reps[-n:]))
    return 0 < max(now) * float(np.exp(DEAD_BAND)) <= min(before)


def _highest(rep: Rep, exercise: Exercise) -> float:
    """Give the highest 500 ms of the target, the better side's; 0 where it is not known."""
    return max((v for role, v in rep.peak.items() if role.muscle == exercise.target[0] and v is not None), default=0.0)


def _lingers(rep: Rep, exercise: Exercise) -> bool:
    """Tell whether the target is slow to let go: over `LATE_S` after the planned way back, or not at all before the rest ended.

    A repetition ends once all muscles are near rest, so a muscle that lets go late shows as a long way back.
    """
    working = [phase for phase in exercise.phases if not phase.loose]
    late_s = LATE_S + (working[-1].tempo_s if len(working) > 1 else 0.0)
    for role in (role for role in rep.time_to_relax_s if role.muscle == exercise.target[0]):
        time_s, left = rep.time_to_relax_s[role], rep.residual.get(role)
        if (left is not None and left > LET_GO) if time_s is None else time_s > late_s:
            return True
    return False
