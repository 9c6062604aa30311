"""A session told on a terminal, for when there is no window: line by line while it goes on, then what came of it.

What `gluteemg exercises` and `gluteemg programme` tell stands with those commands, in `cli`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.checks import Drift, Isolation
from gluteemg.activation.rep import Rep
from gluteemg.coaching.cue import Cue
from gluteemg.coaching.message import Message
from gluteemg.coaching.safety import Answer, Question, Safety
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import Role
from gluteemg.processing.quality import State
from gluteemg.report.document import Analysis
from gluteemg.report.practice import Practised
from gluteemg.session import Moment, Session

_LOOK_S = 0.1
"""How often the session is looked at (chosen: no line comes noticeably late)."""
_PASSING = ("no_reference", "too_few_reps", "no_reps")
"""Reasons that another session mends: the document has them, the terminal does not list them for every muscle."""


def follow(session: Session, look: Callable[[Session], None] = lambda _: None) -> None:
    """Wait until the session ends; Ctrl-C stops it, and everything is kept.

    Parameters
    ----------
    session : Session
        Running.
    look : callable, optional
        Called ten times a second, to answer what is asked.

    Raises
    ------
    GluteemgError
        What ended the session, if it did not end by itself.
    """
    try:
        while session.running:
            with suppress(TimeoutError):
                session.wait(_LOOK_S)
            look(session)
    except KeyboardInterrupt:
        session.stop()
    session.wait()


class Answers:
    """Answers the questions of a session from what was given before, or by asking on the terminal; else leaves them out.

    Parameters
    ----------
    safety : Safety
        The questions.
    given : mapping of str to Answer
        Answers by question.
    texts : Texts
        The words.
    """

    def __init__(self, safety: Safety, given: Mapping[str, Answer], texts: Texts) -> None:
        self._questions: dict[str, Question] = {question.id: question for question in safety.questions}
        self.given, self._texts = given, texts
        self._asked: str | None = None

    def __call__(self, session: Session) -> None:
        """Answer what is asked now, once."""
        asked, before = session.moment.cue.question, self._asked
        self._asked = asked
        if asked is None or asked == before:
            return
        answer = self.ask(self._questions[asked])
        if answer is None:
            session.press("skip")
        else:
            session.answer(asked, answer.value)

    def ask(self, question: Question) -> Answer | None:
        """Give the answer that was given, or ask for it until one fits; None without a terminal."""
        if question.id in self.given or not sys.stdin.isatty():
            return self.given.get(question.id)
        for number, choice in enumerate(question.choices, 1):
            _write(f"  {number}  {self._texts.say(choice)}")
        while True:
            _write(self._texts.say(question.message))
            typed = sys.stdin.readline()
            if not typed:
                return None
            answer = question.read(typed)
            if answer is not None:
                return answer


class Teller:
    """Tells a session line by line: remembers what has been said, and says what is new.

    Parameters
    ----------
    texts : Texts
        The words.
    write : callable, optional
        Takes each line; by default they go to standard error.
    """

    def __init__(self, texts: Texts, write: Callable[[str], None] | None = None) -> None:
        self._texts = texts
        self._write = write or _write
        self._said: tuple[str, ...] = ()
        self._states: dict[Role, State | None] = {}
        self._reps = 0
        self._verdict: str | None = None
        self._number = 0
        self._notices: tuple[str, ...] = ()

    def tell(self, moment: Moment) -> None:
        """Tell what is new in this moment."""
        t_s = 0.0 if moment.frame is None else moment.frame.t_s
        lines = [*self._about_sensors(moment), *self._about_reps(moment), *self._about_now(moment)]
        for line in lines:
            self._write(f"{self._texts.number(f'{t_s:7.1f}')} s  {line}")
        for notice in moment.notices:
            if notice not in self._notices:
                self._write(notice)
        self._notices = moment.notices

    def _about_sensors(self, moment: Moment) -> Iterator[str]:
        for role, state in moment.sensors.items():
            before = self._states.get(role)
            if before is None and state == "lost":  # it has not been heard yet
                continue
            if before is not None and state != before and "lost" in (state, before):
                word = self._texts.words(f"state.{state or 'searching'}")
                yield f"{_named(role, self._texts)}: {word}"
            self._states[role] = state

    def _about_reps(self, moment: Moment) -> Iterator[str]:
        """Say of each repetition what it was; of what has no repetition, such as a release, the same."""
        cue, new = moment.cue, moment.reps[self._reps :]
        first, self._reps = self._reps + 1, len(moment.reps)
        verdict = None if cue.verdict is None else self._texts.say(cue.verdict)
        before, self._number = self._number, cue.rep_number
        if not cue.reps or cue.activity == "relax":  # repetitions as they come, or none at all
            for number, rep in enumerate(new, first):
                yield self._rep(number, rep, verdict)
            if verdict is not None and not new and (verdict, cue.rep_number) != (self._verdict, before):
                yield verdict
        elif cue.rep_number > before:
            yield self._rep(cue.rep_number, new[-1] if new else None, verdict)
        elif verdict is not None and verdict != self._verdict and cue.activity != "work":
            yield verdict
        self._verdict = verdict

    def _rep(self, number: int, rep: Rep | None, verdict: str | None) -> str:
        said = verdict or self._texts.words("rep.not_scored")
        if rep is None or rep.ln_ratio is None:
            return self._texts.words("report.rep", n=number, said=said)
        return self._texts.words("report.rep_share", n=number, said=said, share=_hundredths(rep.share))

    def _about_now(self, moment: Moment) -> Iterator[str]:
        """Say what is to be done, and what to change, when it is new."""
        cue = moment.cue
        said = []
        if moment.stage == "searching":
            said = [self._texts.words("train.searching")]
        elif cue.instruction is not None and cue.activity != "countdown":
            said = [self._instruction(cue)]
        if cue.advice is not None:
            reason = "" if cue.reason is None else f" ({self._texts.say(cue.reason)})"
            said.append(self._texts.say(cue.advice) + reason)
        yield from (line for line in said if line not in self._said)
        self._said = tuple(said)

    def _instruction(self, cue: Cue) -> str:
        """Say what to do: in a protocol why it is asked again first, after a set or at the end how it went."""
        instruction, reason = cue.instruction or Message(""), cue.reason
        fills = instruction.fills
        if cue.activity in ("measure", "relax"):
            fills = {**fills, "seconds": ""}  # one line a step, not one a second
        said = self._texts.say_far(Message(instruction.id, fills))
        if fills.get("of", 1) != 1:
            said = self._texts.words("report.turn", said=said, number=fills["number"], of=fills["of"])
        if reason is None or reason == instruction or cue.activity not in ("measure", "rest", "done"):
            return said
        return (
            f"{self._texts.say(reason)} {said}"
            if cue.activity == "measure"
            else f"{said.rstrip('.')}. {self._texts.say(reason)}"
        )


def describe(analysis: Analysis, texts: Texts) -> str:
    """Put an analysis into words and two small tables."""
    lines = [*_headlines(analysis, texts), "", *_table_of_muscles(analysis, texts)]
    lines += _said_of_muscles(analysis, texts)
    if analysis.reps:
        lines += ["", *_table_of_reps(analysis, texts)]
    if analysis.recovered is not None:
        lines += ["", analysis.recovered]
    return "\n".join(lines)


def _headlines(analysis: Analysis, texts: Texts) -> Iterator[str]:
    summary, truth = analysis.summary, analysis.truth
    counts = {"reps": summary.reps, "scored": summary.scored, "in_zone": summary.in_zone}
    yield texts.words("report.headline", exercise=analysis.exercise, **counts)
    if summary.share is not None:
        share, low, high = (_hundredths(s) for s in (summary.share, summary.share_low, summary.share_high))
        yield texts.words("report.share", share=share, low=low, high=high, unit=summary.unit or "")
    elif summary.why_no_share is not None:
        yield texts.words("report.no_share", reason=texts.words(f"rep.{summary.why_no_share}"))
    if truth is not None and truth.share is not None:
        yield texts.words("report.truth", share=_hundredths(truth.share))


def _table_of_muscles(analysis: Analysis, texts: Texts) -> list[str]:
    rows = [_heads(texts, "muscle", "floor", "reference", "snr", "rate", "bursts", "signal")]
    for m in analysis.muscles:
        floor, reference = (_one_place(v, texts) for v in (m.floor, m.reference))
        snr = "–" if m.snr_db is None else f"{m.snr_db:.0f} dB"
        name = _named(Role.parse(f"{m.muscle}:{m.side}"), texts)
        state = texts.words(f"state.{m.quality}")
        rows.append((name, floor, reference, snr, f"{m.rate_hz:.0f} Hz", str(len(m.bursts)), state))
    return table(rows, "<>>>>><")


def _table_of_reps(analysis: Analysis, texts: Texts) -> list[str]:
    """Tell the share of every repetition; where the session has none, how much each muscle did."""
    unit, reps = analysis.summary.unit, analysis.reps
    levels = [role for role in reps[0].activation if analysis.summary.share is None and any(r.activation[role] for r in reps)]
    told = [_named(Role.parse(role), texts) for role in levels] if levels else _heads(texts, "share", "range")
    rows = [(*_heads(texts, "rep", "from", "to"), *told, *_heads(texts, "led_by"))]
    for number, rep in enumerate(reps, 1):
        start, end = (texts.number(f"{s:.2f} s") for s in (rep.start_s, rep.end_s))
        low, high = _hundredths(rep.share_low), _hundredths(rep.share_high)
        between = "–" if rep.share_low is None else texts.words("report.range", low=low, high=high)
        figures = [_level(rep.activation[role], unit) for role in levels] or [_percent(rep.share), between]
        led_by = "–" if rep.led_by is None else texts.words(f"report.led_by_{rep.led_by}")
        reasons = "; ".join(texts.words(f"rep.{r}") for r in rep.reasons if r != analysis.summary.why_no_share)  # said above
        rows.append((str(number), start, end, *figures, f"{led_by} ({reasons})" if reasons else led_by))
    return table(rows, ">" * (len(rows[0]) - 1) + "<")


def describe_practice(practice: Practised, texts: Texts) -> str:
    """Put what a plan came to into words: a line a set, and what was offered, with its source."""
    sets = practice.sets
    figures: dict[str, str | int] = {
        "plan": practice.plan,
        "sets": len(sets),
        "reps": sum(s.counted for s in sets),
        "scored": sum(s.scored for s in sets),
        "good": sum(s.good for s in sets),
    }
    lines = [texts.words("practice.headline" if figures["scored"] else "practice.headline_by_time", **figures), ""]
    rows = [tuple(texts.words(f"practice.{head}") for head in ("exercise", "side", "reps", "good", "share"))]
    for s in sets:
        name = texts.words(f"exercise.{s.exercise}")
        name = name if s.rung is None else f"{name}: {texts.words(f'ladder.{s.rung}')}"
        side = "" if s.side is None else texts.words(f"side.{s.side}")
        rows.append((name, side, str(s.counted), str(s.good) if s.scored else "–", _percent(s.share)))
    lines += table(rows, "<<>>>")
    if practice.changes:
        lines += ["", texts.words("practice.changes")]
    for change in practice.changes:
        said, why = (texts.words(id, **change.fills) for id in (f"advice.{change.change}", f"why.{change.why}"))
        declined = f" ({texts.words('practice.declined')})" if change.declined else ""
        lines.append(f"{texts.number(f'{change.t_s:7.1f}')} s  {said}{declined}. {why}")
        lines.append(f"{'':11}{change.source}")
    return "\n".join(lines)


def _said_of_muscles(analysis: Analysis, texts: Texts) -> list[str]:
    """Say how late the numbers are, what cannot be told, and what the muscles do from repetition to repetition."""
    bars_s = [m.delay.bar_s for m in analysis.muscles if m.delay.bar_s is not None]
    shares_s = [m.delay.share_s for m in analysis.muscles if m.delay.share_s is not None]
    lines = []
    if bars_s and shares_s:
        bar, share = (f"{1000 * max(late):.0f}" for late in (bars_s, shares_s))
        lines.append(texts.words("report.late", bar=bar, share=share))
    for m in analysis.muscles:
        flags = [f"report.{reason}" if reason == "unreadable_packets" else f"flag.{reason}" for reason in m.reasons]
        lines += [f"{texts.words(flag, muscle=m.muscle, side=m.side)}." for flag in flags]
    said: dict[str, list[str]] = {}  # what holds for several muscles is said once
    for m in analysis.muscles:
        label = _named(Role.parse(f"{m.muscle}:{m.side}"), texts)
        lasting = {what: why for what, why in m.not_available.items() if why not in _PASSING}
        for why in dict.fromkeys(lasting.values()):
            measures = ", ".join(texts.words(f"measure.{what}") for what, reason in lasting.items() if reason == why)
            said.setdefault(f"{measures} {texts.words(f'not_available.{why}')}.", []).append(label)
        if m.tiring.quadrant is not None:
            said.setdefault(f"{texts.words(f'tiring.{m.tiring.quadrant}')}.", []).append(label)
    for line, labels in said.items():
        lines.append(line if len(labels) == len(analysis.muscles) > 1 else f"{'; '.join(labels)}: {line}")
    trend = analysis.summary.ln_ratio_trend
    if trend is not None and trend.high < 0:
        lines.append(texts.words("report.take_over"))
    return lines and ["", *lines]


def describe_calibration(calibration: Calibration, texts: Texts) -> str:
    """Put a calibration into words and a table: RMS in the unit of each sensor, and every trial."""
    how = texts.words("report.floors_alone")
    if calibration.method is not None:
        effort, statistic = f"report.effort_{calibration.method}", f"report.statistic_{calibration.statistic}"
        how = texts.words(
            "report.taken",
            effort=texts.words(effort),
            unit=calibration.unit or "",
            statistic=texts.words(statistic),
            seconds=f"{calibration.window_s:g}",
        )
    heads = _heads(texts, "muscle", "floor", "reference", "above_floor", "apart", "trials")
    return "\n".join([how, "", *table([heads, *(_of_level(level, texts) for level in calibration.levels)], "<>>>><")])


def _of_level(level: Level, texts: Texts) -> tuple[str, ...]:
    snr = "–" if level.snr_db is None else f"{level.snr_db:.0f} dB"
    values = ((trial, _one_place(trial.value, texts)) for trial in level.trials)
    trials = "; ".join(v if t.accepted else f"{v} ({texts.words(f'report.trial_{t.reason}')})" for t, v in values)
    floor, reference = (_one_place(v, texts) for v in (level.floor, level.reference))
    return _named(Role.parse(level.role), texts), floor, reference, snr, _percent(level.agreement), trials


def describe_check(check: Isolation | Drift, texts: Texts) -> list[str]:
    """Put a check of the sensors into words, one line a finding."""
    if isinstance(check, Drift):
        named = ((c, _named(Role.parse(c.role), texts)) for c in check.changes)
        return [texts.words(f"check.drift_{c.verdict}", sensor=name, percent=_signed(c.change)) for c, name in named]
    if check.swapped:
        pairs = ([_named(Role.parse(role), texts) for role in pair] for pair in check.swapped)
        return [texts.words("check.swapped", first=first, second=second) for first, second in pairs]
    words = {True: "alone", False: "joined_in", None: "unknown"}
    lines = [texts.words("check.isolated")] if check.verdict == "good" else []
    for finding in check.findings:
        percent, most = round(100 * (finding.activation or 0.0)), round(100 * finding.at_most)
        sensor = _named(Role.parse(finding.role), texts)
        lines.append(texts.words(f"check.{words[finding.held]}", sensor=sensor, percent=percent, most=most))
    return lines


def _named(role: Role, texts: Texts) -> str:
    """Name a muscle with its side; the second of the others with its number."""
    stem = role.muscle.rstrip("0123456789")
    number = role.muscle.removeprefix(stem)
    return texts.words("report.role", name=f"{texts.words(f'label.{stem}')} {number}".rstrip(), side=role.side)


def _heads(texts: Texts, *names: str) -> tuple[str, ...]:
    return tuple(texts.words(f"report.head_{name}") for name in names)


def table(rows: Sequence[tuple[str, ...]], sides: str) -> list[str]:
    """Set columns as wide as their widest cell, each to the side that `sides` says: one of ``<`` and ``>`` for each."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{c:{side}{w}}" for c, side, w in zip(row, sides, widths, strict=True)).rstrip() for row in rows]


def _one_place(value: float | None, texts: Texts) -> str:
    return "–" if value is None else texts.number(f"{value:.1f}")


def _hundredths(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}"


def _level(activation: float | None, unit: str | None) -> str:
    return "–" if activation is None else f"{100 * activation:.0f} {unit}"


def _signed(change: float | None) -> str:
    return "–" if change is None else f"{100 * change:+.0f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
