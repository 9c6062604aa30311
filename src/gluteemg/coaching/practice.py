"""Sets of one exercise as they go on: get ready, count down, repetitions, a hold, a rest, the next set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gluteemg.activation.frame import Frame, Frames, Verdict
from gluteemg.activation.pipeline import Aim
from gluteemg.activation.rep import Rep
from gluteemg.coaching.advisor import Advice, Advisor
from gluteemg.coaching.cue import Activity, Cue, Sign
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.message import Message
from gluteemg.coaching.metronome import Metronome
from gluteemg.coaching.part import Key, Now, Told, seconds
from gluteemg.coaching.plan import Practise
from gluteemg.coaching.verdict import is_good, verdict
from gluteemg.muscles import HAMSTRINGS, Role, Side
from gluteemg.processing.quality import Flag
from gluteemg.sensors.source import Event

READY_S, SETTLED_S, PATIENCE_S = 12.0, 1.0, 40.0
"""To hear how to lie or stand, and get there, at least; how long it must be quiet then; then it begins anyway (chosen)."""
AT_REST = 0.10
"""Activation of the target under which it is quiet (as for a clench under %REF)."""
COUNTDOWN_S = 3.0
NUDGE_S, ASLEEP_S = 15.0, 90.0
"""Without a repetition so long, a word about it; after that a pause (chosen)."""
BETWEEN_S = 1.0
"""Rest between two repetitions by time (chosen)."""
HOLD_WAIT_S = 15.0
"""How long a last hold is waited for (chosen)."""
_BEFORE_S = 0.2  # a repetition may be heard so much before a gesture (its thresholds are lower)
_LEAST_HOLD = 0.3  # what is held shorter than this part of the hold was no hold (chosen)

State = Literal["ready", "countdown", "work", "hold", "rest", "done"]
_ACTIVITY: dict[State, Activity] = {
    "ready": "ready",
    "countdown": "countdown",
    "work": "work",
    "hold": "hold",
    "rest": "rest",
    "done": "work",
}


@dataclass(frozen=True, slots=True)
class SetPlan:
    """One set: its number, and which side works (None: both, or in turn)."""

    number: int
    side: Side | None


class Practice:
    """Sets of one exercise. See `gluteemg.coaching.part.Part`.

    Parameters
    ----------
    step : Practise
        What the plan says; without `Practise.sets` and `reps` the least of the exercise's dose.
    exercise : Exercise
        What is practised.
    advisor : Advisor
        Chooses what to change.
    endless : bool
        Repetitions as they come, without sets, rests and countdowns: for a session without a plan.
    """

    def __init__(self, step: Practise, exercise: Exercise, advisor: Advisor, *, endless: bool = False) -> None:
        self._step, self._exercise, self._advisor, self._endless = step, exercise, advisor, endless
        self._target: list[Role] = []  # columns that are the target
        self._reps_wanted = 0
        self._hold_s = exercise.dose.hold_s if step.hold_s is None else step.hold_s
        self._rest_s = exercise.dose.rest_s if step.rest_s is None else step.rest_s
        self._sets: list[SetPlan] = []
        self._at = 0
        self._state: State = "work" if endless else "ready"
        self._since: int | None = None  # grid index at which the state began
        self._now = 0  # grid index
        self._last_state_s = 0.0  # how long the state had lasted at the last feed
        self._quiet = 0  # frames at rest, in a row
        self._count = self._good = 0  # repetitions of this set
        self._taken: list[Rep] = []  # those of the set that were heard
        self._in_tempo = step.pace != "free"
        self._verdict: Message | None = None
        self._last_work = 0  # grid index
        self._counted_until_s = 0.0
        self._metronome = Metronome(0.0, waits=True)
        self._held = self._longest = 0  # frames in the zone, of the present try of a hold and of the longest
        self._trying = self._cut = False
        self._asked = False  # to go on at once
        self._told: Advice | None = None
        self._phase_said: str | None = None
        self._signs: list[Sign] = []
        self._spoken: list[Message] = []
        self._events: list[Event] = []

    @property
    def done(self) -> bool:
        """Whether every set is done."""
        return self._state == "done"

    @property
    def counts(self) -> bool:
        """Whether repetitions are looked for: not those of a target that has no sensor on the side that works."""
        return self._state in ("work", "hold") and (bool(self._working) or self._endless)

    @property
    def waits(self) -> bool:
        """Whether it waits for the person to begin."""
        return self._state in ("ready", "rest")

    @property
    def holds(self) -> bool:
        """Whether the last hold of a set is asked for."""
        return self._state == "hold"

    @property
    def since_s(self) -> float:
        """When its present state began, in session time."""
        return seconds(self._since or 0)

    def close(self) -> tuple[Event, ...]:
        """Leave it; give what is still to be told."""
        self._leave()
        events, self._events = tuple(self._events), []
        return events

    def cut(self) -> None:
        """End the set that goes on for good reason: nothing is said of how it went."""
        self._cut, self._verdict = True, None
        self.press("end_set")

    def take_back(self, since_s: float) -> None:
        """Count no repetition that began after a time, nor one that is still to be decided: it was something else."""
        self._counted_until_s = seconds(self._now)
        self._verdict = None
        kept = [rep for rep in self._taken if rep.start_s < since_s - _BEFORE_S]
        self._count -= len(self._taken) - len(kept)
        self._good -= sum(is_good(r, self._exercise, in_tempo=self._in_tempo) for r in self._taken[len(kept) :])
        self._taken = kept

    @property
    def asleep(self) -> bool:
        """Whether nothing has happened for so long that a pause is kinder."""
        return self._state == "work" and not self._endless and self._idle_s > ASLEEP_S

    def press(self, key: Key) -> None:
        """Begin at once; leave this exercise; end this set; take another change; a cramp."""
        if key == "start":
            self._asked = True
        elif key == "skip":
            self._leave()
        elif key == "end_set" and self._state in ("work", "hold"):
            self._end_set()
        elif key == "decline":
            self._advise(self._advisor.decline())
        elif key == "cramp":
            self._counted_until_s = seconds(self._now)  # what it broke off was no repetition
            self._advise(self._advisor.report("cramp"))

    def paused(self, n_frames: int) -> None:
        """Let every clock stand still for so long; a repetition by the clock, and a hold, begin again."""
        if self._since is not None:
            self._since += n_frames
        self._last_work = self._now + n_frames  # idleness begins anew
        self._metronome.stand()

    def feed(self, now: Now) -> Told:
        """Take what came next."""
        frame = now.frames[-1]
        if self._since is None:
            self._open(now)
        self._now = now.last
        match self._state:
            case "ready":
                self._get_ready(now.frames)
            case "countdown":
                self._count_down()
            case "work":
                self._work(frame, now)
            case "hold":
                self._hold(frame, now)
            case "rest":
                self._rest()
        self._asked = False
        cue = self._cue(frame)
        told = Told(replace(cue, signs=tuple(self._signs), spoken=tuple(self._spoken)), tuple(self._events))
        self._signs, self._spoken, self._events = [], [], []
        return told

    # What each state does

    def _get_ready(self, frames: Frames) -> None:
        """Wait until the person is in position and the target is at rest; not for ever."""
        columns = [frames.roles.index(role) for role in self._working]
        if columns:
            level = np.nan_to_num(frames.activation_fast[:, columns], nan=0.0).max(axis=1)
            loud = np.flatnonzero(level >= AT_REST)
            self._quiet = self._quiet + len(frames) if not len(loud) else len(frames) - 1 - int(loud[-1])
        else:
            self._quiet += len(frames)
        settled = self._state_s >= READY_S and seconds(self._quiet) >= SETTLED_S
        if self._asked or settled or self._state_s >= PATIENCE_S:
            self._enter("countdown", self._now)

    def _count_down(self) -> None:
        left_s, before_s = COUNTDOWN_S - self._state_s, COUNTDOWN_S - self._last_state_s
        if left_s <= 0 or self._asked:
            self._begin_set()
        elif int(np.ceil(left_s)) < int(np.ceil(before_s)):
            self._signs.append("count")
        self._last_state_s = self._state_s

    def _work(self, frame: Frame, now: Now) -> None:
        if frame.rep_elapsed_s is not None:
            self._last_work = self._now
        for rep in now.reps:
            by_time = self._metronome.began_before(rep.start_s)
            if rep.counted and not by_time and rep.start_s >= self._counted_until_s and self._state == "work":
                self._take(rep)
        if not self._endless and self._state == "work":
            self._go_by_time(frame)

    def _take(self, rep: Rep) -> None:
        """Count one repetition, and say what it was."""
        self._taken.append(rep)
        self._verdict = verdict(rep, self._exercise, in_tempo=self._in_tempo)
        self._good += is_good(rep, self._exercise, in_tempo=self._in_tempo)
        self._signs.append("rep_in_zone" if is_good(rep, self._exercise, in_tempo=self._in_tempo) else "rep")
        self._counted_until_s = rep.end_s
        self._advise(self._advisor.rep(rep) if self._step.advice else None, withdrawn=self._advisor.present is None)
        self._add_one()

    def _add_one(self) -> None:
        self._count += 1
        self._last_work = self._now
        if not self._endless and self._count == self._reps_wanted - 1 and self._count > 1:
            self._spoken.append(Message("work.last_one"))
        if not self._endless and self._count >= self._reps_wanted:
            if self._hold_s:
                self._enter("hold", self._now)
            else:
                self._end_set()

    def _go_by_time(self, frame: Frame) -> None:
        """Count by the planned tempo while the target cannot be heard; a set comes to its end in any case."""
        if self._metronome.tick(self._now, heard=self._hears(frame)):
            self._verdict = Message("rep.by_time")
            self._signs.append("rep")
            self._counted_until_s = seconds(self._now)
            self._add_one()

    def _hears(self, frame: Frame) -> bool:
        """Tell whether the target can be heard; without a reference of its own nothing it does is known."""
        return any(frame.flags[r] < Flag.HEAVY_LOSS and frame.activation[r] is not None for r in self._working)

    def _hold(self, frame: Frame, now: Now) -> None:
        """Wait for a last hold, and count how long it is in the zone."""
        if not self._hears(frame):  # by time
            if self._state_s >= self._hold_s:
                self._finish_hold(None)
            return
        good = np.isin(now.frames.verdict, (Verdict.IN_ZONE, Verdict.GLUTES_LEAD))
        if self._aim(now.frames.roles).zone is None:
            good = ~np.isnan(now.frames.rep_elapsed_s)
        trying = frame.rep_elapsed_s is not None
        self._held = int(good.sum()) + (self._held if trying and self._trying else 0)
        self._longest, self._trying = max(self._longest, self._held), trying
        long_enough = frame.rep_elapsed_s is not None and frame.rep_elapsed_s >= self._hold_s
        if long_enough or any(self._was_a_hold(rep) for rep in now.reps) or (not trying and self._state_s >= HOLD_WAIT_S):
            self._finish_hold(min(self._hold_s, seconds(self._longest)))

    def _was_a_hold(self, rep: Rep) -> bool:
        long_enough = rep.end_s - rep.start_s >= _LEAST_HOLD * self._hold_s
        return long_enough and rep.start_s >= self._counted_until_s

    def _finish_hold(self, held_s: float | None) -> None:
        fills = {"seconds": 0 if held_s is None else round(held_s), "of": round(self._hold_s)}
        told = "held" if self._exercise.share_band is None else "in_zone"
        self._verdict = Message("hold.by_time" if held_s is None else f"hold.{told}", fills)
        self._events.append(Event("hold", {"exercise": self._exercise.id, "in_zone_s": held_s, "of_s": self._hold_s}))
        self._counted_until_s = seconds(self._now)
        self._end_set()

    def _rest(self) -> None:
        left_s, before_s = self._rest_s - self._state_s, self._rest_s - self._last_state_s
        if left_s <= 0 or self._asked:
            self._signs.append("rest_over")
            self._enter("countdown", self._now)
        elif left_s <= COUNTDOWN_S and int(np.ceil(left_s)) < int(np.ceil(before_s)):
            self._signs.append("count")
        self._last_state_s = self._state_s

    # From one state to another

    def _open(self, now: Now) -> None:
        """See what is worn, and say what is judged from here on."""
        self._target = [r for r in now.frames.roles if _stands_for(r.muscle, self._exercise.target[0])]
        self._sets, self._reps_wanted = self._planned_sets(), self._wanted_reps()
        if not self._endless:
            self._events.append(Event(Aim.kind, self._aim(now.frames.roles).to_json()))
        self._enter(self._state, now.first)

    def _begin_set(self) -> None:
        self._signs.append("begin")
        self._count, self._good, self._taken, self._verdict, self._cut = 0, 0, [], None, False
        self._metronome = Metronome(self._cycle_s, waits=bool(self._working))
        self._counted_until_s = seconds(self._now)
        self._advisor.begin_set()
        self._events.append(Event("set", {**self._place, "reps": self._reps_wanted}))
        self._enter("work", self._now)
        first = self._exercise.phases[0]
        if self._at == 0 and first.cue is not None:
            self._spoken.append(Message(f"cue.{first.cue}"))
            self._phase_said = first.id

    def _end_set(self) -> None:
        self._tell_end()
        self._at += 1
        self._signs.append("set_done")
        self._spoken += () if self._summary is None else (self._summary,)
        if self._at < len(self._sets):
            self._enter("rest", self._now)
        else:
            self._state = "done"

    def _leave(self) -> None:
        if self._state in ("work", "hold"):
            self._tell_end()
        self._state = "done"

    def _tell_end(self) -> None:
        """Put down what the set came to, with the beginnings of the repetitions that were taken."""
        taken = [round(rep.start_s, 2) for rep in self._taken]
        came_to = {"counted": self._count, "good": self._good, "taken": taken}
        self._events.append(Event("set_end", {**self._place, **came_to}))

    def _enter(self, state: State, now: int) -> None:
        """Change the state; what it says aloud is said once, here."""
        self._state, self._since, self._now = state, now, now
        self._last_state_s, self._last_work, self._held, self._longest, self._quiet = 0.0, now, 0, 0, 0
        said = self._instruction()
        if said is not None and state != "countdown":
            self._spoken.append(said)
        if state == "ready":
            self._spoken.append(Message(f"setup.{self._exercise.id}"))
            if self._step.variant is not None:
                self._spoken.append(Message(f"advice.{self._step.variant}"))
        if state == "countdown":
            self._signs.append("count")

    # What is shown

    def _cue(self, frame: Frame) -> Cue:
        phase, fraction = self._phase(frame)
        if phase not in (None, self._phase_said) and self._leads:
            self._spoken.append(Message(f"phase.{phase}"))
        self._phase_said = phase
        advice = self._advisor.present if self._step.advice and self._state != "rest" else None
        nudge = self._state == "work" and not self._endless and self._idle_s >= NUDGE_S
        at = self._present
        return Cue(
            activity=_ACTIVITY[self._state],
            advice=None if advice is None else Message(f"advice.{advice.change}", advice.fills),
            reason=self._why(advice),
            phase=phase,
            phase_fraction=fraction,
            instruction=Message("work.begin") if nudge else self._instruction(),
            verdict=self._verdict,
            exercise=self._exercise.id,
            side=at.side,
            set_number=at.number,
            sets=len(self._sets),
            rep_number=self._count,
            reps=0 if self._endless else self._reps_wanted,
            remaining_s=self._remaining_s,
        )

    @property
    def _summary(self) -> Message | None:
        """Say in one line how the set went: of those that were heard how many were as planned; nothing of one that was cut."""
        if self._cut:
            return None
        scored = sum(rep.scored for rep in self._taken)
        fills = {"good": self._good, "scored": scored, "reps": self._count, "unheard": self._count - scored}
        if not self._good:
            return Message("outcome.counted" if scored else "outcome.by_time", fills)
        return Message("outcome.all_good" if self._good == self._count else "outcome.some_good", fills)

    def _why(self, advice: Advice | None) -> Message | None:
        """Say why a change is offered; before a set, how to get into position; after one, how it went."""
        if self._state == "rest":
            return self._summary
        if advice is not None:
            return Message(f"why.{advice.why}", advice.fills)
        return Message(f"setup.{self._exercise.id}") if self._state == "ready" else None

    def _instruction(self) -> Message | None:
        at = self._present
        fills: dict[str, str | int] = {"exercise": self._exercise.id, "set": at.number, "sets": len(self._sets)}
        side = "" if at.side is None else f"_{at.side}"
        match self._state:
            case "ready":
                return Message(f"ready.exercise{side}", fills)
            case "countdown":
                return Message("ready.countdown", {"seconds": int(np.ceil(self._remaining_s or 0.0))})
            case "hold":
                return Message("hold.now", {"seconds": round(self._hold_s)})
            case "rest":
                return Message(f"rest.next_set{side}", fills)
            case _:
                return None

    def _phase(self, frame: Frame) -> tuple[str | None, float]:
        """Give the phase by the planned tempo: from the repetition that goes on, or from the clock where it goes by time."""
        if self._state != "work":
            return None, 0.0
        if self._metronome.leads:
            elapsed_s = self._metronome.elapsed_s(self._now)
        elif self._step.pace == "tempo":
            elapsed_s = seconds(self._now - (self._since or 0)) % self._cycle_s - BETWEEN_S
        else:
            elapsed_s = -1.0 if frame.rep_elapsed_s is None else frame.rep_elapsed_s
        return phase_at(self._exercise, elapsed_s) if elapsed_s >= 0 else (None, 0.0)

    @property
    def _remaining_s(self) -> float | None:
        lasts = {"countdown": COUNTDOWN_S, "rest": self._rest_s}.get(self._state)
        return None if lasts is None else max(0.0, lasts - self._state_s)

    def _advise(self, advice: Advice | None, *, withdrawn: bool = False) -> None:
        """Say a new change aloud, and put down what was said."""
        if withdrawn:
            self._told = None
        if advice is None or advice == self._told:
            return
        self._told = advice
        self._signs.append("advice")
        self._spoken.append(Message(f"advice.{advice.change}", advice.fills))
        detail = {name: getattr(advice, name) for name in ("change", "why", "situation", "source")}
        detail["fills"] = dict(advice.fills)
        self._events.append(Event("advice", {"exercise": self._exercise.id, **detail}))

    # Small facts

    @property
    def _place(self) -> dict[str, object]:
        at = self._present
        return {"exercise": self._exercise.id, "set": at.number, "sets": len(self._sets), "side": at.side}

    @property
    def _working(self) -> list[Role]:
        """Columns of the target on the side that works in this set."""
        side = self._present.side
        return [role for role in self._target if side in (None, role.side)]

    @property
    def _present(self) -> SetPlan:
        return self._sets[min(self._at, len(self._sets) - 1)] if self._sets else SetPlan(0, None)

    @property
    def _state_s(self) -> float:
        return 0.0 if self._since is None else seconds(self._now - self._since)

    @property
    def _leads(self) -> bool:
        """Whether the planned tempo leads, and not the person."""
        return self._metronome.leads or self._step.pace == "tempo"

    @property
    def _idle_s(self) -> float:
        return seconds(self._now - self._last_work)

    @property
    def _planned_s(self) -> float:
        return self._exercise.work_s

    @property
    def _cycle_s(self) -> float:
        """One repetition by the planned tempo with the rest after it."""
        loose_s = sum(phase.tempo_s for phase in self._exercise.phases if phase.loose)
        return self._planned_s + max(BETWEEN_S, loose_s)

    def _aim(self, roles: Sequence[Role]) -> Aim:
        """Give what repetitions are judged by: the floor alone where the muscles of the share are not worn."""
        aim = self._exercise.aim
        glutes, hamstrings = ({r.side for r in roles if _stands_for(r.muscle, m)} for m in ("gluteus_maximus", "hamstrings"))
        return aim if glutes & hamstrings else aim.model_copy(update={"zone": None})

    def _planned_sets(self) -> list[SetPlan]:
        sets = self._step.sets or self._exercise.dose.sets.least
        if self._exercise.side_mode != "one":
            return [SetPlan(number, None) for number in range(1, sets + 1)]
        return [SetPlan(1 + i, side) for i, side in enumerate(self._step.sides * sets)]

    def _wanted_reps(self) -> int:
        """Give how many repetitions a set has: where sides take turns, so many for each of those that can be heard."""
        reps = self._step.reps or self._exercise.dose.reps.least
        turns = 2 if len({role.side for role in self._target}) != 1 else 1
        return reps * turns if self._exercise.side_mode == "alternating" else reps


def phase_at(exercise: Exercise, elapsed_s: float) -> tuple[str, float]:
    """Give the phase by the planned tempo, and how much of it has passed; a slower person stays in the last one."""
    for phase in exercise.phases:
        if elapsed_s < phase.tempo_s:
            return phase.id, elapsed_s / phase.tempo_s
        elapsed_s -= phase.tempo_s
    return exercise.phases[-1].id, 1.0


def _stands_for(muscle: str, target: str) -> bool:
    return muscle == target or (target == "hamstrings" and muscle in HAMSTRINGS)
