"""Sets of one exercise, from one to the next: get ready, count down, repetitions, a last hold, a rest."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Literal

import numpy as np

from gluteemg.activation.frame import Frame, Frames
from gluteemg.activation.pipeline import Aim
from gluteemg.activation.rep import Rep
from gluteemg.coaching.advisor import Advice, Advisor
from gluteemg.coaching.cue import Cue, Sign, Timer
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.last_hold import LastHold
from gluteemg.coaching.message import Message
from gluteemg.coaching.part import Key, Now, Told, seconds
from gluteemg.coaching.plan import Practise
from gluteemg.coaching.prescription import BETWEEN_S, Prescription
from gluteemg.coaching.workset import WorkSet
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag
from gluteemg.sensors.source import Event

READY_S, SETTLED_S, PATIENCE_S = 12.0, 1.0, 40.0
"""To hear how to lie or stand, and get there, at least; how long it must be quiet then; then it begins anyway (chosen)."""
AT_REST = 0.10
"""Activation of the target under which it is quiet (as for a clench under %REF)."""
COUNTDOWN_S = 3.0
NUDGE_S, ASLEEP_S = 15.0, 90.0
"""Without a repetition so long, a word about it; after that a pause (chosen)."""

State = Literal["ready", "countdown", "work", "hold", "rest", "done"]


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
        self._asked = Prescription(step, exercise)  # until it is known what is worn
        self._at = 0  # which set
        self._state: State = "work" if endless else "ready"
        self._since: int | None = None  # grid index at which the state began
        self._now = 0  # grid index
        self._left_s = 0.0  # of a countdown or a rest, at the last feed
        self._quiet = 0  # frames at rest, in a row
        self._last_work = 0  # grid index
        self._set, self._hold = WorkSet(self._asked), LastHold(self._asked)
        self._at_once = False  # the person asked to go on
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

    @property
    def asleep(self) -> bool:
        """Whether nothing has happened for so long that a pause is kinder."""
        return self._state == "work" and not self._endless and self._idle_s > ASLEEP_S

    def close(self) -> tuple[Event, ...]:
        """Leave it; give what is still to be told."""
        self._leave()
        events, self._events = tuple(self._events), []
        return events

    def cut(self) -> None:
        """End the set that goes on for good reason: nothing is said of how it went."""
        self._set.cut()
        self.press("end_set")

    def take_back(self, since_s: float) -> None:
        """Count no repetition that began after a time, nor one that is still to be decided: it was something else."""
        self._set.take_back(since_s, self._now)

    def press(self, key: Key) -> None:
        """Begin at once; leave this exercise; end this set; take another change; a cramp."""
        if key == "start":
            self._at_once = True
        elif key == "skip":
            self._leave()
        elif key == "end_set" and self._state in ("work", "hold"):
            self._end_set()
        elif key == "decline":
            self._advise(self._advisor.decline())
        elif key == "cramp":
            self._set.count_from(self._now)  # what it broke off was no repetition
            self._advise(self._advisor.report("cramp"))

    def paused(self, n_frames: int) -> None:
        """Let every clock stand still for so long; a repetition by the clock, and a hold, begin again."""
        if self._since is not None:
            self._since += n_frames
        self._last_work = self._now + n_frames  # idleness begins anew
        self._set.metronome.stand()

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
                if self._counted_down():
                    self._begin_set()
            case "work":
                self._work(frame, now)
            case "hold":
                self._hold_on(frame, now)
            case "rest":
                if self._counted_down():
                    self._signs.append("rest_over")
                    self._enter("countdown")
        self._at_once = False
        cue = self._cue(frame)
        told = Told(replace(cue, signs=tuple(self._signs), spoken=tuple(self._spoken)), tuple(self._events))
        self._signs, self._spoken, self._events = [], [], []
        return told

    # What each state does

    def _get_ready(self, frames: Frames) -> None:
        """Wait until the person is in position and the target is at rest; not for ever."""
        columns = [frames.roles.index(role) for role in self._working]
        level = np.nan_to_num(frames.activation_fast[:, columns], nan=0.0).max(axis=1, initial=0.0)
        loud = np.flatnonzero(level >= AT_REST)
        self._quiet = len(frames) - 1 - int(loud[-1]) if len(loud) else self._quiet + len(frames)
        settled = self._state_s >= READY_S and seconds(self._quiet) >= SETTLED_S
        if self._at_once or settled or self._state_s >= PATIENCE_S:
            self._enter("countdown")

    def _counted_down(self) -> bool:
        """Sound the last seconds of a countdown or a rest; tell whether it is over, or waited for no longer."""
        left_s, before_s = 0.0 if self._timer is None else self._timer.left_s, self._left_s
        self._left_s = left_s
        if left_s <= 0 or self._at_once:
            return True
        if left_s <= COUNTDOWN_S and int(np.ceil(left_s)) < int(np.ceil(before_s)):
            self._signs.append("count")
        return False

    def _work(self, frame: Frame, now: Now) -> None:
        if frame.rep_elapsed_s is not None:
            self._last_work = self._now
        for rep in now.reps:
            if self._state == "work" and self._set.takes(rep):
                self._take(rep)
        if not self._endless and self._state == "work" and self._set.go_by_clock(self._now, heard=self._hears(frame)):
            self._signs.append("rep")
            self._count_on()

    def _take(self, rep: Rep) -> None:
        """Count one repetition, and look whether it asks for a change."""
        self._signs.append("rep_in_zone" if self._set.take(rep) else "rep")
        self._advise(self._advisor.rep(rep) if self._step.advice else None, withdrawn=self._advisor.present is None)
        self._count_on()

    def _count_on(self) -> None:
        """Go on after one more repetition."""
        self._last_work = self._now
        if not self._endless and 1 < self._set.count == self._asked.reps - 1:
            self._spoken.append(Message("work.last_one"))
        if not self._endless and self._set.count >= self._asked.reps:
            self._enter("hold") if self._asked.hold_s else self._end_set()

    def _hears(self, frame: Frame) -> bool:
        """Tell whether the target can be heard; without a reference of its own nothing it does is known."""
        return any(frame.flags[r] < Flag.HEAVY_LOSS and frame.activation[r] is not None for r in self._working)

    def _hold_on(self, frame: Frame, now: Now) -> None:
        """Wait for a last hold; by time, where it cannot be heard."""
        heard = self._hears(frame)
        new = [rep for rep in now.reps if self._set.is_new(rep)]
        if self._hold.feed(now.frames, new, self._state_s, heard=heard):
            held_s = self._hold.held_s if heard else None
            self._set.verdict = self._hold.verdict(held_s)
            self._events.append(Event("hold", {"exercise": self._exercise.id, "in_zone_s": held_s, "of_s": self._asked.hold_s}))
            self._end_set()

    # From one state to another

    def _open(self, now: Now) -> None:
        """See what is worn, and say what is judged from here on."""
        comparable = now.calibration is None or now.calibration.comparable
        self._asked = Prescription(self._step, self._exercise, now.frames.roles, comparable)
        if not self._endless:
            self._events.append(Event(Aim.kind, self._asked.aim.to_json()))
        self._now = now.first
        self._enter(self._state)

    def _begin_set(self) -> None:
        self._signs.append("begin")
        self._set = WorkSet(self._asked, self._at, self._now)
        self._advisor.begin_set()
        rung = None if self._step.rung is None else self._step.rung.id
        self._events.append(Event("set", {**self._set.place, "reps": self._asked.reps, "rung": rung}))
        self._enter("work")
        first = self._exercise.phases[0]
        if self._at == 0 and first.cue is not None:
            self._spoken.append(Message(f"cue.{first.cue}"))
            self._phase_said = first.id

    def _end_set(self) -> None:
        self._events.append(Event("set_end", self._set.outcome))
        self._signs.append("set_done")
        self._spoken += () if self._set.summary is None else (self._set.summary,)
        if self._at + 1 == len(self._asked.sets):
            self._state = "done"
        else:
            self._at += 1
            self._enter("rest")

    def _leave(self) -> None:
        if self._state in ("work", "hold"):
            self._events.append(Event("set_end", self._set.outcome))
        self._state = "done"

    def _enter(self, state: State) -> None:
        """Change the state; what it says aloud is said once, here."""
        self._state, self._since, self._last_work, self._quiet = state, self._now, self._now, 0
        self._left_s = 0.0 if self._timer is None else self._timer.left_s
        said = self._instruction()
        if state == "countdown":
            self._signs.append("count")
        elif said is not None:
            self._spoken.append(said)
        if state == "hold":
            self._hold = LastHold(self._asked)
        elif state == "ready":
            self._spoken.append(Message(f"setup.{self._exercise.id}"))
            if self._step.variant is not None:
                self._spoken.append(Message(f"advice.{self._step.variant}"))

    # What is shown

    def _cue(self, frame: Frame) -> Cue:
        phase, fraction = self._phase(frame)
        if phase not in (None, self._phase_said) and (self._set.metronome.leads or self._step.pace == "tempo"):
            self._spoken.append(Message(f"phase.{phase}"))
        self._phase_said = phase
        advice = self._advisor.present if self._step.advice and self._state != "rest" else None
        nudge = self._state == "work" and not self._endless and self._idle_s >= NUDGE_S
        return Cue(
            activity="work" if self._state == "done" else self._state,
            advice=None if advice is None else Message(f"advice.{advice.change}", advice.fills),
            reason=self._why(advice),
            phase=phase,
            phase_fraction=fraction,
            instruction=Message("work.begin") if nudge else self._instruction(),
            verdict=self._set.verdict,
            exercise=self._exercise.id,
            rung=self._step.rung,
            side=self._asked.sets[self._at],
            set_number=self._at + 1,
            sets=len(self._asked.sets),
            rep_number=self._set.count,
            reps=0 if self._endless else self._asked.reps,
            timer=self._timer,
        )

    def _why(self, advice: Advice | None) -> Message | None:
        """Say why a change is offered; before a set, how to get into position; after one, how it went."""
        if self._state == "rest":
            return self._set.summary
        if advice is not None:
            return Message(f"why.{advice.why}", advice.fills)
        return Message(f"setup.{self._exercise.id}") if self._state == "ready" else None

    def _instruction(self) -> Message | None:
        sets, at = self._asked.sets, self._at
        fills: dict[str, str | int] = {"exercise": self._exercise.id, "set": at + 1, "sets": len(sets)}
        side = "" if sets[at] is None else f"_{sets[at]}"
        match self._state:
            case "ready":
                if self._step.rung is not None:
                    return Message(f"ready.harder{side}", {**fills, "ladder": self._step.rung.id})
                return Message(f"ready.exercise{side}", fills)
            case "countdown":
                return Message("ready.countdown", {"seconds": int(np.ceil(COUNTDOWN_S - self._state_s))})
            case "hold":
                return Message("hold.now", {"seconds": round(self._asked.hold_s)})
            case "rest":
                return Message(f"rest.next_set{side}", fills)
            case _:
                return None

    def _phase(self, frame: Frame) -> tuple[str | None, float]:
        """Give the phase by the planned tempo: from the repetition that goes on, or from the clock where it goes by time."""
        if self._state != "work":
            return None, 0.0
        if self._set.metronome.leads:
            elapsed_s = self._set.metronome.elapsed_s(self._now)
        elif self._step.pace == "tempo":
            elapsed_s = self._state_s % self._asked.cycle_s - BETWEEN_S
        else:
            elapsed_s = -1.0 if frame.rep_elapsed_s is None else frame.rep_elapsed_s
        return self._exercise.phase_at(elapsed_s) if elapsed_s >= 0 else (None, 0.0)

    def _advise(self, advice: Advice | None, *, withdrawn: bool = False) -> None:
        """Say a new change aloud, and put down what was said."""
        if withdrawn:
            self._told = None
        if advice is None or advice == self._told:
            return
        self._told = advice
        self._signs.append("advice")
        self._spoken.append(Message(f"advice.{advice.change}", advice.fills))
        self._events.append(Event("advice", {"exercise": self._exercise.id, **asdict(advice)}))

    # Small facts

    @property
    def _working(self) -> list[Role]:
        """Columns of the target on the side that works in this set."""
        return self._asked.working(self._at)

    @property
    def _state_s(self) -> float:
        return 0.0 if self._since is None else seconds(self._now - self._since)

    @property
    def _idle_s(self) -> float:
        return seconds(self._now - self._last_work)

    @property
    def _timer(self) -> Timer | None:
        """What is left of a countdown, a rest or a hold."""
        lasts = {"countdown": COUNTDOWN_S, "rest": self._asked.rest_s, "hold": self._asked.hold_s}
        if (lasts_s := lasts.get(self._state)) is None:
            return None
        return Timer(max(0.0, lasts_s - (self._hold.passed_s if self._state == "hold" else self._state_s)), lasts_s)
