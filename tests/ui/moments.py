"""Moments of a set, one for every state that the Train screen can be in."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from gluteemg.activation.frame import Frame, Verdict
from gluteemg.activation.ratio import LedBy
from gluteemg.activation.rep import Rep
from gluteemg.activation.signal import Health
from gluteemg.coaching.cue import Cue
from gluteemg.coaching.exercise import Exercise, Range
from gluteemg.coaching.message import Message
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag
from gluteemg.session import Moment, Stage

ROOT = Path(__file__).parents[2]
GLUTE, MEDIUS, HAMSTRINGS = (Role.parse(f"{m}:left") for m in ("gluteus_maximus", "gluteus_medius", "hamstrings"))
ROLES = (GLUTE, MEDIUS, HAMSTRINGS)
EIGHT = tuple(
    Role.parse(f"{muscle}:{side}")
    for muscle in ("gluteus_maximus", "gluteus_medius", "biceps_femoris", "erector_spinae")
    for side in ("left", "right")
)
BAND = (47 / 53, 64 / 36)
"""The zone of the drawings, 47 to 64 %."""


LANGUAGES = sorted(file.stem for file in (ROOT / "texts").glob("*.toml"))


def texts(language: str = "en") -> Texts:
    file = ROOT / "texts" / f"{language}.toml"
    return Texts.parse(file.read_text(encoding="utf-8"), file.name)


def exercise() -> Exercise:
    """The bridge, with the personal zone of the drawings."""
    bridge = Exercise.parse((ROOT / "exercises" / "bridge.toml").read_text(encoding="utf-8"), "bridge.toml")
    return bridge.model_copy(
        update={
            "share_band": BAND,
            "dose": bridge.dose.model_copy(update={"sets": Range(least=3, most=3), "reps": Range(least=10, most=10)}),
        }
    )


def frame(share: float | None = 0.36, glute: float | None = 0.52, verdict: Verdict = Verdict.HAMSTRINGS_LEAD) -> Frame:
    ln_ratio = None if share is None else math.log(share / (1 - share))
    hamstrings = None if glute is None or share is None else min(glute * (1 - share) / share, 1.2)
    activation = {GLUTE: glute, MEDIUS: 0.3, HAMSTRINGS: hamstrings}
    flags = dict.fromkeys(ROLES, Flag.GOOD)
    return Frame(12.0, activation, activation, flags, ln_ratio, share, verdict, 2.5)


def rep(
    ln_ratio: float | None, in_zone: bool | None = None, over_floor: bool | None = True, reasons: tuple[str, ...] = ()
) -> Rep:
    led_by: LedBy | None = None if ln_ratio is None else "hamstrings" if ln_ratio < math.log(0.8) else "shared"
    activation = {GLUTE: 0.5, HAMSTRINGS: None if ln_ratio is None else 0.5 * math.exp(-ln_ratio)}
    return Rep(0.0, 6.0, activation, ln_ratio, led_by, True, ln_ratio is not None, in_zone, over_floor, reasons)


IN_ZONE, HAMSTRINGS_LED, UNDER_ZONE = rep(0.1, True), rep(-0.6, False), rep(-0.2, False)
UNDER_FLOOR, NOT_SCORED = rep(0.1, True, over_floor=False), rep(None, reasons=("signal_lost",))

_SET = Cue(exercise="bridge", set_number=2, sets=3, rep_number=0, reps=0)
_CUE = replace(
    _SET, advice=Message("advice.heels_close"), reason=Message("why.heels_close"), phase="lower", phase_fraction=0.35
)
_REPS = (IN_ZONE,) * 3 + (HAMSTRINGS_LED,) * 2
_LEFT = {"side": "left", "muscle": "gluteus_maximus"}


def moment(frame: Frame | None, cue: Cue = _CUE, reps: tuple[Rep, ...] = _REPS, stage: Stage = "running") -> Moment:
    flags = dict.fromkeys(ROLES, Flag.GOOD) if frame is None else frame.flags
    return Moment(stage, frame, reps, cue, {role: flag.state for role, flag in flags.items()}, "%REF")


def flagged(*flags: Flag, roles: tuple[Role, ...] = ROLES) -> Frame:
    return replace(frame(None, None, Verdict.MUTED), flags=dict(zip(roles, flags, strict=True)))


def warning(id: str) -> Cue:
    advice, why = Message(f"advice.{id}", _LEFT), Message(f"why.{id}", _LEFT)
    return replace(_SET, advice=advice, reason=why, warning=True, phase="lift", phase_fraction=0.5)


def reference(id: str, fraction: float, **fills: int) -> Moment:
    return moment(flagged(*[Flag.GOOD] * 3), Cue(phase_fraction=fraction, instruction=Message(id, fills)), (), "reference")


_ALL_KINDS = (IN_ZONE,) * 6 + (UNDER_FLOOR, UNDER_ZONE, HAMSTRINGS_LED, NOT_SCORED)
_EIGHT_MIXED = [Flag.FLAT if i == 3 else Flag.ABSENT if i == 5 else Flag.GOOD for i in range(8)]
RUNNING = replace(
    moment(frame()),
    health={f"uMyo-{i}": Health(1116.2 + i, 0.002 * i, 0.012, 0.004, 0.0, None) for i in range(4)},
    battery={"uMyo-0": (80.0, "%"), "uMyo-2": (3700.0, "mV")},
)
MOMENTS: dict[str, Moment] = {
    "running": RUNNING,
    "in_zone": moment(frame(0.55, 0.61, Verdict.IN_ZONE), replace(_SET, phase="hold", phase_fraction=0.5)),
    "glutes_lead": moment(frame(0.7, 1.1, Verdict.GLUTES_LEAD), replace(_SET, phase="hold", phase_fraction=0.5)),
    "just_under": moment(frame(0.45, 0.31, Verdict.JUST_UNDER)),
    "beyond_the_end": moment(frame(0.12, 0.2)),
    "rest": moment(frame(None, 0.04, Verdict.REST), _SET),
    "muted": moment(flagged(Flag.FLAT, Flag.GOOD, Flag.GOOD), warning("press_sensor"), (IN_ZONE,) * 3 + (NOT_SCORED,) * 2),
    "lost": moment(flagged(Flag.ABSENT, Flag.MAINS, Flag.GOOD), warning("move_closer")),
    "settling": moment(flagged(Flag.GOOD, Flag.GOOD, Flag.SETTLING)),
    "reference_rest": reference("reference.rest", 0.4, seconds=4),
    "reference_squeeze": reference("reference.squeeze", 0.7),
    "reference_heel_dig": reference("reference.heel_dig", 0.2),
    "searching": Moment("searching", sensors={GLUTE: "good", MEDIUS: None, HAMSTRINGS: None}),
    "paused": moment(frame(), stage="paused"),
    "finished": moment(frame(), _SET, _ALL_KINDS, "finished"),
    "finished_unscored": moment(flagged(Flag.FLAT, Flag.GOOD, Flag.GOOD), _SET, (NOT_SCORED,) * 10, "finished"),
    "notice": replace(RUNNING, notices=("The recording cannot grow: the disk is full. Free some space, then go on.",)),
    "first_frame_to_come": moment(None, _SET, ()),
    "eight_sensors": moment(flagged(*_EIGHT_MIXED, roles=EIGHT)),
    "eight_good": moment(replace(frame(), flags=dict.fromkeys(EIGHT, Flag.GOOD))),
    "twenty_reps": moment(frame(), reps=(IN_ZONE, HAMSTRINGS_LED, UNDER_ZONE, UNDER_FLOOR, NOT_SCORED) * 4),
    "nothing_known": moment(frame(math.nan, math.nan, Verdict.IN_ZONE)),
}
