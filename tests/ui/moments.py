"""Moments of a set, one for every state that the Train screen can be in."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from gluteemg.activation.frame import Frame, Verdict
from gluteemg.activation.repetition import LedBy, Rep
from gluteemg.coaching.coach import Cue, Message
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag
from gluteemg.ui.moment import Moment

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


def texts() -> Texts:
    return Texts.parse((ROOT / "texts" / "en.toml").read_text(encoding="utf-8"), "en.toml")


def exercise() -> Exercise:
    return Exercise.parse((ROOT / "exercises" / "bridge.toml").read_text(encoding="utf-8"), "bridge.toml")


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

_CUE = Cue(Message("advice.heels_close"), Message("why.heels_close"), phase="lower", phase_fraction=0.35)
RUNNING = Moment("running", frame(), (IN_ZONE,) * 3 + (HAMSTRINGS_LED,) * 2, _CUE, set_number=2, band=BAND)
_BAD = replace(frame(None, None, Verdict.MUTED), flags={GLUTE: Flag.FLAT, MEDIUS: Flag.GOOD, HAMSTRINGS: Flag.GOOD})
_LEFT = {"side": "left", "muscle": "gluteus_maximus"}
MOMENTS: dict[str, Moment] = {
    "running": RUNNING,
    "in_zone": replace(RUNNING, frame=frame(0.55, 0.61, Verdict.IN_ZONE), cue=Cue(phase="hold", phase_fraction=0.5)),
    "glutes_lead": replace(RUNNING, frame=frame(0.7, 1.1, Verdict.GLUTES_LEAD)),
    "just_under": replace(RUNNING, frame=frame(0.45, 0.31, Verdict.JUST_UNDER)),
    "beyond_the_end": replace(RUNNING, frame=frame(0.12, 0.2)),
    "rest": replace(RUNNING, frame=frame(None, 0.04, Verdict.REST), cue=Cue()),
    "muted": replace(
        RUNNING,
        frame=_BAD,
        reps=(IN_ZONE,) * 3 + (NOT_SCORED,) * 2,
        cue=Cue(Message("advice.press_sensor", _LEFT), Message("why.press_sensor"), True, phase="lower", phase_fraction=0.35),
    ),
    "lost": replace(
        RUNNING,
        frame=replace(_BAD, flags={GLUTE: Flag.ABSENT, MEDIUS: Flag.MAINS, HAMSTRINGS: Flag.GOOD}),
        cue=Cue(Message("advice.move_closer", _LEFT), Message("why.move_closer"), True, phase="lift", phase_fraction=0.5),
    ),
    "reference_rest": Moment(
        "reference",
        frame(None, None, Verdict.MUTED),
        cue=Cue(phase_fraction=0.4, instruction=Message("reference.rest", {"seconds": 4})),
    ),
    "reference_squeeze": Moment(
        "reference", frame(None, None, Verdict.MUTED), cue=Cue(phase_fraction=0.7, instruction=Message("reference.squeeze"))
    ),
    "searching": Moment("searching", sensors={GLUTE: "good", MEDIUS: None, HAMSTRINGS: None}),
    "paused": replace(RUNNING, stage="paused"),
    "finished": Moment(
        "finished",
        frame(),
        (IN_ZONE,) * 6 + (UNDER_FLOOR, UNDER_ZONE, HAMSTRINGS_LED, NOT_SCORED),
        set_number=2,
        sensors=dict.fromkeys(ROLES, "good"),
    ),
    "finished_unscored": Moment("finished", _BAD, (NOT_SCORED,) * 10),
    "replay": replace(RUNNING, replay=True),
    "first_frame_to_come": Moment("running", sensors=dict.fromkeys(ROLES, None)),
    "eight_sensors": replace(
        RUNNING,
        frame=replace(
            frame(), flags={r: Flag.FLAT if r == EIGHT[3] else Flag.ABSENT if r == EIGHT[5] else Flag.GOOD for r in EIGHT}
        ),
    ),
    "eight_good": replace(RUNNING, frame=replace(frame(), flags=dict.fromkeys(EIGHT, Flag.GOOD))),
    "twenty_reps": replace(RUNNING, reps=(IN_ZONE, HAMSTRINGS_LED, UNDER_ZONE, UNDER_FLOOR, NOT_SCORED) * 4),
    "nothing_known": Moment("running", frame(math.nan, math.nan, Verdict.IN_ZONE)),
}
