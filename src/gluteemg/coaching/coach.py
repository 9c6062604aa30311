"""Frames and repetitions in, cues out: what to show and say next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gluteemg.activation.calibrator import Calibrator
from gluteemg.activation.frame import FRAME_RATE_HZ, Frame, Frames
from gluteemg.activation.protocol import Step
from gluteemg.activation.rep import Rep
from gluteemg.coaching.exercise import Exercise
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag

WARN_AFTER_S = 0.5
"""How long a signal must be bad before a word about it (chosen: shorter troubles pass by themselves)."""
ALIKE_REPS = 2
"""Repetitions in a row that ask for the same change before it is named (chosen: one can be chance)."""
_SENSOR_ADVICE: Mapping[Flag, str] = {
    Flag.HEAVY_LOSS: "move_closer",
    Flag.ABSENT: "move_closer",
    Flag.HEAVY_MAINS: "away_from_mains",
    Flag.HEAVY_CLIPPED: "lower_gain",
    Flag.HEAVY_MOTION: "secure_sensor",
    Flag.NO_SNR: "move_sensor",
    Flag.CONTACT: "press_sensor",
    Flag.FLAT: "press_sensor",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A text by its id, with what fills it; the words stand in ``texts/<language>.toml``."""

    id: str
    fills: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cue:
    """What the person should see now beside the gauge.

    Parameters
    ----------
    advice, reason : Message or None
        One change, and one line why; None while there is nothing to say.
    warning : bool
        The advice is about a signal, not about the movement.
    phase : str or None
        Id of the present phase by the planned tempo; None between repetitions.
    phase_fraction : float
        How much of that phase has passed, 0 to 1.
    instruction : Message or None
        What to do while a protocol is followed ("Lie still"), instead of a phase; its fills count the trials.
    """

    advice: Message | None = None
    reason: Message | None = None
    warning: bool = False
    phase: str | None = None
    phase_fraction: float = 0.0
    instruction: Message | None = None


class Coach:
    """Follows one exercise: names the phase, and after two repetitions of one kind the one change that may help.

    Parameters
    ----------
    exercise : Exercise
        What is practised.
    """

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._reps: list[Rep] = []
        self._told_after = 0  # repetitions when the last advice was given
        self._variants = [v.id for v in exercise.variants]
        self._advice: Cue = Cue()
        self._bad_since: dict[Role, int] = {}

    def feed(self, frames: Frames, reps: Sequence[Rep], calibrator: Calibrator | None) -> Cue:
        """Take what came, and tell what holds now.

        Parameters
        ----------
        frames : Frames
            At least one.
        reps : sequence of Rep
            Decided in these frames.
        calibrator : Calibrator or None
            While a protocol is followed.
        """
        now = int(frames.index[-1])
        if calibrator is not None and calibrator.step is not None:
            rejected = None if calibrator.rejected is None else Message(f"trial.{calibrator.rejected}")
            return Cue(instruction=_instruction(calibrator, calibrator.step, now), reason=rejected)
        for rep in reps:
            if rep.counted:
                self._reps.append(rep)
                self._advise()
        frame = frames[-1]
        cue = self._warning(frame, now) or self._advice
        if frame.rep_elapsed_s is None:
            return cue
        phase, fraction = self._phase_at(frame.rep_elapsed_s)
        return replace(cue, phase=phase, phase_fraction=fraction)

    def _phase_at(self, elapsed_s: float) -> tuple[str, float]:
        """Give the phase by the planned tempo; a slower person stays in the last one."""
        for phase in self._exercise.phases:
            if elapsed_s < phase.tempo_s:
                return phase.id, elapsed_s / phase.tempo_s
            elapsed_s -= phase.tempo_s
        return self._exercise.phases[-1].id, 1.0

    def _advise(self) -> None:
        """Choose the advice after a repetition: one change at a time, and none where none is needed."""
        last = self._reps[-ALIKE_REPS:]
        if all(r.in_zone and r.over_floor for r in last):
            self._advice = Cue()
        if len(self._reps) - self._told_after < ALIKE_REPS or not all(r.scored for r in last):
            return
        if all(r.in_zone is False and r.led_by == "hamstrings" for r in last) and self._variants:
            variant = self._variants.pop(0)
            self._tell(Message(f"advice.{variant}"), Message(f"why.{variant}"))
        elif all(r.in_zone is False for r in last):
            led = all(r.led_by == "hamstrings" for r in last)
            self._tell(Message("advice.squeeze_more"), Message("why.hamstrings_led" if led else "why.under_zone"))
        elif all(r.over_floor is False for r in last):
            self._tell(Message("advice.lift_higher"), Message("why.under_floor"))

    def _tell(self, advice: Message, reason: Message) -> None:
        self._advice = Cue(advice, reason)
        self._told_after = len(self._reps)

    def lost(self, roles: Sequence[Role]) -> Cue:
        """Tell what to do when no sensor is left that sends anything."""
        return _about_signal(roles[0], Flag.ABSENT)

    def _warning(self, frame: Frame, now: int) -> Cue | None:
        """Name the first signal that has been bad for a while; the others wait their turn."""
        bad = [role for role, flag in frame.flags.items() if flag in _SENSOR_ADVICE]
        self._bad_since = {role: self._bad_since.get(role, now) for role in bad}
        for role, since in self._bad_since.items():
            if now - since >= WARN_AFTER_S * FRAME_RATE_HZ:
                return _about_signal(role, frame.flags[role])
        return None


def _about_signal(role: Role, flag: Flag) -> Cue:
    advice, fills = _SENSOR_ADVICE[flag], {"side": role.side, "muscle": role.muscle}
    return Cue(Message(f"advice.{advice}", fills), Message(f"why.{advice}", fills), warning=True)


def _instruction(calibrator: Calibrator, step: Step, now: int) -> Message:
    remaining_s = calibrator.remaining_s(now)
    if remaining_s > step.seconds:
        return Message("reference.between")
    fills = {"seconds": max(1, round(remaining_s)), "number": calibrator.trial, "of": max(step.trials, calibrator.trial)}
    return Message(f"reference.{step.id}", fills)
