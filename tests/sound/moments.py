"""Instants and cues to be heard."""

from __future__ import annotations

import math

from gluteemg.activation.frame import Frame, Verdict
from gluteemg.activation.ratio import Zone
from gluteemg.coaching.cue import Cue
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag

ZONE = Zone(0.8, 1.25)
"""Its middle is R = 1."""
GLUTE, OTHER_GLUTE, HAMSTRING = (
    Role("gluteus_maximus", "left"),
    Role("gluteus_maximus", "right"),
    Role("hamstrings", "left"),
)


def frame(
    t_s: float = 1.0,
    *,
    ratio: float | None = 1.0,
    verdict: Verdict = Verdict.IN_ZONE,
    glute: float | None = 0.5,
    other: float | None = None,
    flag: Flag = Flag.GOOD,
    rep_s: float | None = None,
) -> Frame:
    ln_ratio = None if ratio is None else math.log(ratio)
    activation = {GLUTE: glute, OTHER_GLUTE: other, HAMSTRING: 0.4}
    flags = {GLUTE: flag, OTHER_GLUTE: Flag.GOOD, HAMSTRING: Flag.GOOD}
    share = None if ratio is None else ratio / (1 + ratio)
    return Frame(t_s, activation, activation, flags, ln_ratio, share, verdict, rep_s)


WORK = Cue("work")
