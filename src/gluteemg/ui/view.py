"""What the Train screen says at one instant, as plain data: from what the session knows to words, marks and angles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gluteemg.activation.calibration import Unit
from gluteemg.activation.frame import Frame, Verdict
from gluteemg.activation.pipeline import EVEN
from gluteemg.activation.ratio import share_of
from gluteemg.activation.rep import Rep
from gluteemg.coaching.cue import Cue
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.message import Message
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import HAMSTRINGS, MUSCLES, Role
from gluteemg.processing.quality import Flag
from gluteemg.report.analysis import summarise
from gluteemg.session import Moment, Stage

Sign = Literal["in_zone", "glutes_lead", "hamstrings_led", "under_zone", "under_floor", "not_scored", "now", "to_come"]
"""A verdict or a repetition by its shape, drawn by `marks.sign`."""
Sight = Literal["good", "adjust", "lost", "waiting"]
"""A sensor's state by its shape: tick, triangle, dashed ring, empty place."""
GaugeKind = Literal["share", "rest", "muted"]
Shape = Literal["glute", "hamstring", "medius", "other"]

UNCERTAINTY = 0.14
"""95 % range of ``ln R`` over 500 ms, to either side: two equal channels read 0.87 to 1.15."""


@dataclass(frozen=True, slots=True)
class SensorView:
    """One sensor in the top bar: shape of its muscle, initial of its side (or nothing), state, and all in words."""

    shape: Shape
    side: str
    sight: Sight
    words: str


@dataclass(frozen=True, slots=True)
class GaugeView:
    """The share gauge. `zone` and `ln_ratio` are ``ln R``; `reason` stands in the place of the two lines when muted."""

    kind: GaugeKind
    ln_ratio: float | None
    uncertainty: float
    zone: tuple[float, float]
    headline: str
    sign: Sign | None
    share_line: str
    zone_line: str
    reason: str


@dataclass(frozen=True, slots=True)
class BarView:
    """One muscle's level: `level` and `floor` are fractions of the reference, None where not known."""

    shape: Shape
    name: str
    level: float | None
    floor: float | None
    figure: str
    unit: str
    floor_words: str
    no_reading: str


@dataclass(frozen=True, slots=True)
class RingView:
    """The phase ring: planned seconds of each phase, and how much of each has passed (0 to 1)."""

    planned_s: tuple[float, ...]
    passed: tuple[float, ...]
    count: str
    of: str
    word: str
    then: str
    picture: str


@dataclass(frozen=True, slots=True)
class AdviceView:
    """The strip: one change, one line why, its short form, and the id of its picture (``warning`` for a triangle)."""

    text: str
    reason: str
    far: str
    picture: str


@dataclass(frozen=True, slots=True)
class TrainView:
    """Everything that the Train screen paints."""

    stage: Stage
    exercise: str
    set_line: str
    sensors: tuple[SensorView, ...]
    signal: str
    gauge: GaugeView
    glute: BarView
    hamstring: BarView
    ring: RingView
    advice: AdviceView | None
    dots: tuple[Sign, ...]
    tally: str
    notice: str

    @property
    def description(self) -> str:
        """The whole state in sentences, for a screen reader."""
        gauge, ring = self.gauge, self.ring
        parts = [gauge.headline, gauge.share_line, gauge.zone_line, gauge.reason]
        parts += [
            f"{bar.name} {f'{bar.figure} {bar.unit}' if bar.figure else bar.no_reading}" for bar in (self.glute, self.hamstring)
        ]
        parts += [f"{ring.count} {ring.of}", f"{ring.word} {ring.then}", self.tally]
        parts += [self.advice.text, self.advice.reason] if self.advice else []
        parts += [self.notice]
        parts += [self.signal] if self.signal else [sensor.words for sensor in self.sensors]
        return " ".join(part.strip().rstrip(".") + "." for part in parts if part.strip())


def train_view(moment: Moment, exercise: Exercise, texts: Texts, *, replay: bool = False) -> TrainView:
    """Make what is painted from what the session knows.

    Parameters
    ----------
    moment : Moment
        What the session knows now.
    exercise : Exercise
        What is practised; its band is the zone.
    texts : Texts
        Words.
    replay : bool
        The session is a recording.

    Raises
    ------
    DefinitionError
        If the texts lack a word that is needed.
    """
    sensors = _sensors(moment, texts)
    all_good = bool(sensors) and all(sensor.sight == "good" for sensor in sensors)
    in_rep = _in_rep(moment)
    dots = _dots(_of_this_set(moment), in_rep, _planned_reps(moment, exercise))
    number, sets = max(1, moment.cue.set_number), moment.cue.sets or exercise.dose.sets.most
    title = "train.replay" if replay else f"exercise.{exercise.id}"
    return TrainView(
        stage=moment.stage,
        exercise=texts.words(title, exercise=exercise.id),
        set_line=texts.words("train.set", set=number, sets=sets),
        sensors=sensors,
        signal=texts.words("train.signal_good") if all_good else "",
        gauge=_gauge(moment, exercise, texts),
        glute=_bar(moment, "glute", exercise, texts),
        hamstring=_bar(moment, "hamstring", exercise, texts),
        ring=_ring(moment, exercise, texts, in_rep),
        advice=_advice(moment, texts),
        dots=dots,
        tally=_tally(dots, texts),
        notice=moment.notices[-1] if moment.notices else "",
    )


def link_lines(moment: Moment, sensor: str, kind: str, hardware: str, texts: Texts) -> list[str]:
    """Say in short lines how well a sensor is heard, what it sends, and whether its kind was ever tried."""
    health, battery = moment.health.get(sensor), moment.battery.get(sensor)
    lines = []
    if health is not None and health.delay_s is not None:
        lost = "" if health.loss is None else texts.words("train.lost", percent=f"{100 * health.loss:.1f}")
        lines.append(texts.words("train.rate", rate=f"{health.rate_hz:.0f}") + lost)
        left = "" if battery is None else texts.words("train.battery", left=f"{battery[0]:.0f}", unit=battery[1])
        lines.append(texts.words("train.delay", ms=f"{1000 * health.delay_s:.0f}") + left)
        bar, share = (f"{1000 * (s or 0):.0f}" for s in (health.bar_s, health.judged_s))
        lines.append(texts.words("train.behind", bar=bar, share=share))
    lines.append(texts.words(f"signal.{kind}"))
    if hardware == "untested":
        lines.append(texts.words("signal.untested"))
    return lines


def shape_of(muscle: str) -> Shape:
    """Give the shape that stands for a muscle everywhere."""
    if muscle in HAMSTRINGS:
        return "hamstring"
    return "glute" if muscle == "gluteus_maximus" else "medius" if muscle == "gluteus_medius" else "other"


def sign_of(rep: Rep) -> Sign:
    """Give the mark of a finished repetition."""
    if not rep.scored or rep.in_zone is None:
        return "not_scored"
    if rep.in_zone:
        return "under_floor" if rep.over_floor is False else "in_zone"
    return "hamstrings_led" if rep.led_by == "hamstrings" else "under_zone"


def _known(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def _percent(fraction: float) -> str:
    return str(round(100 * fraction))


_UNITS = {"%MVIC": "train.unit_mvic", "%REF": "train.unit_ref", "%TASK": "train.unit_task"}
_SIGHTS: dict[str, Sight] = {
    "good": "good",
    "adjust": "adjust",
    "unusable": "adjust",
    "lost": "lost",
    "searching": "waiting",
    "settling": "waiting",
}


def _sensors(moment: Moment, texts: Texts) -> tuple[SensorView, ...]:
    states: dict[Role, str] = {role: state or "searching" for role, state in moment.sensors.items()}
    for role, flag in moment.frame.flags.items() if moment.frame else ():
        if flag == Flag.SETTLING and states.get(role) == flag.state:
            states[role] = "settling"  # it asks for nothing, so it is not shown as one to adjust
    both = len({role.side for role in states}) > 1
    order: dict[str, int] = {muscle: place for place, muscle in enumerate(MUSCLES)}
    roles = sorted(states, key=lambda role: (order.get(role.muscle, len(order)), role))
    return tuple(
        SensorView(
            shape=shape_of(role.muscle),
            side=texts.words(f"side.{role.side}")[0].upper() if both else "",
            sight=_SIGHTS[states[role]],
            words=texts.words("train.sensor", label=role.muscle, side=role.side, state=states[role]),
        )
        for role in roles
    )


_VERDICTS: dict[Verdict, tuple[str, Sign | None]] = {
    Verdict.MUTED: ("no_share", None),
    Verdict.REST: ("rest", None),
    Verdict.IN_ZONE: ("in_zone", "in_zone"),
    Verdict.GLUTES_LEAD: ("glutes_lead", "glutes_lead"),
    Verdict.JUST_UNDER: ("just_under", "under_zone"),
    Verdict.HAMSTRINGS_LEAD: ("hamstrings_lead", "hamstrings_led"),
}


def _of_this_set(moment: Moment) -> Sequence[Rep]:
    """Give the repetitions of the present set; all of them, where there are no sets."""
    counted = [rep for rep in moment.reps if rep.counted]
    return counted[max(0, len(counted) - moment.cue.rep_number) :] if moment.cue.reps else counted


def _planned_reps(moment: Moment, exercise: Exercise) -> int:
    return moment.cue.reps or exercise.dose.reps.most


def _gauge(moment: Moment, exercise: Exercise, texts: Texts) -> GaugeView:
    band = exercise.share_band or (EVEN.low, EVEN.high)
    zone = (math.log(band[0]), math.log(band[1]))
    frame, stage = moment.frame, moment.stage
    if stage == "running" and exercise.share_band is None:
        word, sign, reason, ln_ratio, uncertainty = "no_share", None, texts.words("train.no_band"), None, 0.0
    elif stage == "running" and frame is not None:
        ln_ratio = _known(frame.ln_ratio)
        verdict = frame.verdict if ln_ratio is not None or frame.verdict == Verdict.REST else Verdict.MUTED
        word, sign = _VERDICTS[verdict]
        reason = _why_muted(frame, moment.unit, exercise, texts) if verdict == Verdict.MUTED else ""
        ln_ratio = ln_ratio if sign else None
        uncertainty = UNCERTAINTY
    else:
        word, sign, reason, ln_ratio, uncertainty = "searching" if stage == "running" else stage, None, "", None, 0.0
        if stage == "finished":
            ln_ratio, uncertainty = _set_reading(moment)
        if ln_ratio is None:
            reason = texts.words(f"train.{word}_reason")
    share_line = zone_line = ""
    if not reason:
        zone_line = texts.words("train.zone", low=_percent(share_of(zone[0])), high=_percent(share_of(zone[1])))
    if ln_ratio is not None:
        share_line = texts.words("train.share", share=_percent(share_of(ln_ratio)))
    return GaugeView(
        kind="share" if ln_ratio is not None else "muted" if word in ("no_share", "searching") else "rest",
        ln_ratio=ln_ratio,
        uncertainty=uncertainty,
        zone=zone,
        headline=texts.words(f"train.{word}"),
        sign=sign,
        share_line=share_line,
        zone_line=zone_line,
        reason=reason,
    )


def _set_reading(moment: Moment) -> tuple[float | None, float]:
    """Give the mean ``ln R`` of the set and its 95 % range: the same numbers as in the report."""
    summary = summarise(moment.reps, moment.unit)
    if summary.share is None or summary.share_high is None:
        return None, 0.0
    ln_ratio = math.log(summary.share / (1 - summary.share))
    return ln_ratio, math.log(summary.share_high / (1 - summary.share_high)) - ln_ratio


def _why_muted(frame: Frame, unit: Unit | None, exercise: Exercise, texts: Texts) -> str:
    """Name the one signal that keeps the share away, or the muscle that nobody measures."""
    flags = {role: flag for role, flag in frame.flags.items() if shape_of(role.muscle) in ("glute", "hamstring")}
    measured = {shape_of(role.muscle) for role in flags}
    for muscle in exercise.requires:
        if shape_of(muscle) in ("glute", "hamstring") and shape_of(muscle) not in measured:
            return texts.words("train.not_measured", muscle=muscle)
    worst = max(flags, key=lambda role: flags[role], default=None)
    if worst is None or flags[worst].state in ("good", "adjust"):
        return texts.words("train.task_reference" if unit == "%TASK" else "train.no_reference")
    return texts.words(f"flag.{flags[worst].name.lower()}", muscle=worst.muscle, side=worst.side)


def _bar(moment: Moment, shape: Literal["glute", "hamstring"], exercise: Exercise, texts: Texts) -> BarView:
    level = None
    if moment.frame is not None and moment.stage in ("running", "paused"):
        level = _level(moment.frame.activation_fast, shape)
    elif moment.stage == "finished":
        level = _mean(_level(rep.activation, shape) for rep in moment.reps if rep.counted)
    asked = exercise.floor if shape == "glute" and exercise.target[0] == "gluteus_maximus" else None
    floor = None if asked is None else asked.of(moment.unit)
    return BarView(
        shape=shape,
        name=texts.words("label.gluteus_maximus" if shape == "glute" else "label.hamstrings"),
        level=level,
        floor=floor,
        figure="" if level is None else _percent(level),
        unit=texts.words(_UNITS[moment.unit or "%REF"]),
        floor_words="" if floor is None else texts.words("train.floor", floor=_percent(floor)),
        no_reading=texts.words("train.no_reading"),
    )


def _level(activation: Mapping[Role, float | None], shape: Shape) -> float | None:
    """Give the mean activation of a muscle over both sides and its parts, as far as it is known."""
    return _mean(_known(a) for role, a in activation.items() if shape_of(role.muscle) == shape)


def _in_rep(moment: Moment) -> bool:
    if moment.stage not in ("running", "paused"):
        return False
    return moment.cue.phase is not None or (moment.frame is not None and moment.frame.rep_elapsed_s is not None)


def _ring(moment: Moment, exercise: Exercise, texts: Texts, in_rep: bool) -> RingView:
    cue = moment.cue
    if cue.rung is not None:
        exercise = exercise.slowed(cue.rung.tempo)
    ids = [phase.id for phase in exercise.phases]
    planned_s = tuple(phase.tempo_s for phase in exercise.phases)
    nothing, everything = (0.0,) * len(ids), (1.0,) * len(ids)
    if moment.stage == "searching":
        return RingView(planned_s, nothing, "", "", "", "", "")
    if moment.stage == "reference":
        picture = _key(cue.instruction) if cue.instruction else ""
        return RingView((1.0,), (_passed(cue),), "", "", "", "", picture)
    counted, planned = len(_of_this_set(moment)), _planned_reps(moment, exercise)
    count, of = str(counted + in_rep), texts.words("train.of_reps", reps=planned)
    if moment.stage == "finished":
        return RingView(planned_s, everything, count, of, "", "", "")
    if cue.timer is not None:
        return RingView((1.0,), (_passed(cue),), str(math.ceil(cue.timer.left_s)), texts.words("train.seconds"), "", "", "")
    if cue.phase not in ids:
        then = texts.words("train.phase_for", then=ids[0], seconds=f"{planned_s[0]:g}")
        return RingView(planned_s, nothing, count, of, texts.words("train.next"), then, "")
    at = ids.index(cue.phase)
    following = (at + 1) % len(ids)
    then = texts.words("train.then_phase", then=ids[following], seconds=f"{planned_s[following]:g}")
    if following == 0 and counted + 1 >= planned:
        then = texts.words("train.then_rest")
    passed = (*everything[:at], cue.phase_fraction, *nothing[at + 1 :])
    return RingView(planned_s, passed, count, of, texts.words(f"phase.{cue.phase}"), then, "")


def _passed(cue: Cue) -> float:
    """Give how much of what is timed has passed."""
    return 0.0 if cue.timer is None or cue.timer.lasts_s <= 0 else 1 - min(1.0, cue.timer.left_s / cue.timer.lasts_s)


def _key(message: Message) -> str:
    return message.id.partition(".")[2]


def _advice(moment: Moment, texts: Texts) -> AdviceView | None:
    cue, stage = moment.cue, moment.stage
    if stage == "finished":
        return _finding(moment.reps, texts)
    if stage == "reference" and cue.instruction is not None:
        key = _key(cue.instruction)
        reason = texts.say(cue.reason) if cue.reason else texts.words(f"why.{key}") if key in texts.why else ""
        return AdviceView(texts.say(cue.instruction), reason, texts.say_far(cue.instruction), key)
    if stage in ("searching", "paused") and not cue.warning:
        text, reason, far = (texts.words(id) for id in (f"train.advice_{stage}", f"train.why_{stage}", f"far.advice_{stage}"))
        return AdviceView(text, reason, far, stage)
    if cue.advice is None and cue.instruction is not None:
        reason = texts.say(cue.reason) if cue.reason is not None else ""
        return AdviceView(texts.say(cue.instruction), reason, texts.say_far(cue.instruction), cue.activity)
    if cue.advice is None:
        return None
    picture = "warning" if cue.warning else _key(cue.advice)
    return AdviceView(texts.say(cue.advice), texts.say(cue.reason) if cue.reason else "", texts.say_far(cue.advice), picture)


def _finding(reps: Sequence[Rep], texts: Texts) -> AdviceView:
    """Say how the set went: a finding, never a mark."""
    scored = [rep for rep in reps if rep.scored and rep.ln_ratio is not None]
    share = _mean(rep.ln_ratio for rep in scored)
    kind = "counted" if share is None else "finished"
    fills: dict[str, str | int] = {
        "in_zone": sum(rep.in_zone is True for rep in scored),
        "scored": len(scored),
        "reps": sum(rep.counted for rep in reps),
        "share": "" if share is None else _percent(share_of(share)),
    }
    ids = (f"train.advice_{kind}", f"train.why_{kind}", f"far.advice_{kind}")
    text, reason, far = (texts.words(id, **fills) for id in ids)
    return AdviceView(text, reason, far, "finished")


def _dots(reps: Sequence[Rep], in_rep: bool, planned: int) -> tuple[Sign, ...]:
    done: list[Sign] = [sign_of(rep) for rep in reps if rep.counted]
    begun: list[Sign] = [*done, "now"] if in_rep else done
    to_come: Sign = "to_come"
    return (*begun, *(to_come for _ in range(planned - len(begun))))


_TOLD: tuple[Sign, ...] = ("in_zone", "hamstrings_led", "under_zone", "under_floor", "not_scored")


def _tally(dots: Sequence[Sign], texts: Texts) -> str:
    counts = Counter(dots)
    told = (texts.words(f"train.count_{sign}", n=counts[sign]) for sign in _TOLD if counts[sign])
    return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in told)
