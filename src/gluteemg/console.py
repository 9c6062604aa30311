"""A session told on a terminal, line by line, for when there is no window."""

from __future__ import annotations

import sys
from collections.abc import Callable

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.checks import Drift, Isolation
from gluteemg.coaching.coach import Cue, Message
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import Role
from gluteemg.processing.quality import State
from gluteemg.report.document import Analysis
from gluteemg.session import Moment, Session

_LOOK_S = 0.1
"""How often the session is looked at (chosen: no line comes noticeably late)."""


_PASSING = ("no_reference", "too_few_reps", "no_reps")
"""Reasons that another session mends: the document has them, the terminal does not list them for every muscle."""


def follow(session: Session, texts: Texts, until: Callable[[], bool] = lambda: False) -> None:
    """Write what happens to standard error until the session ends; Ctrl-C stops it, and everything is kept.

    Parameters
    ----------
    session : Session
        Running.
    texts : Texts
        The words.
    until : callable, optional
        Looked at ten times a second; the session is stopped when it gives True.

    Raises
    ------
    GluteemgError
        What ended the session, if it did not end by itself.
    """
    teller = _Teller(texts)
    try:
        while session.running:
            try:
                session.wait(_LOOK_S)
            except TimeoutError:
                teller.tell(session.moment)
                if until():
                    session.stop()
    except KeyboardInterrupt:
        session.stop()
    session.wait()
    teller.tell(session.moment)


class _Teller:
    """Remembers what has been said, and says what is new."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._said: str | None = None
        self._states: dict[Role, State | None] = {}
        self._reps = 0
        self._notices: tuple[str, ...] = ()

    def tell(self, moment: Moment) -> None:
        for notice in moment.notices:
            if notice not in self._notices:
                _write(notice)
        self._notices = moment.notices
        for role, state in moment.sensors.items():
            if state != self._states.get(role) and "lost" in (state, self._states.get(role)):
                word = self._texts.say(Message(f"state.{state or 'waiting'}"))
                said_s = 0.0 if moment.frame is None else moment.frame.t_s
                _write(f"{said_s:7.1f} s  {_named(role, self._texts)}: {word}")
            self._states[role] = state
        for rep in moment.reps[self._reps :]:
            self._reps += 1
            share = "no share" if rep.ln_ratio is None else f"glute share {_percent(rep.share)}"
            verdict = "in_zone" if rep.in_zone and rep.over_floor else next(iter(rep.reasons), "not_scored")
            if rep.led_by == "hamstrings" and not rep.in_zone:
                verdict = "hamstrings_led"
            _write(f"{rep.end_s:7.1f} s  rep {self._reps}: {share}, {self._texts.say(Message(f'rep.{verdict}'))}")
        if moment.stage == "searching":
            said: str | None = self._texts.say(Message("train.searching"))
        else:
            said = self._advice(moment.cue)
        if said is not None and said != self._said:
            t_s = 0.0 if moment.frame is None else moment.frame.t_s
            _write(f"{t_s:7.1f} s  {said}")
        self._said = said

    def _advice(self, cue: Cue) -> str | None:
        if cue.instruction is not None:
            fills = {**cue.instruction.fills, "seconds": ""}  # one line a step, not one a second
            said = self._texts.say_far(Message(cue.instruction.id, fills))
            if fills.get("of", 1) != 1:
                said += f" ({fills['number']} of {fills['of']})"
            return said if cue.reason is None else f"{self._texts.say(cue.reason)} {said}"
        if cue.advice is None:
            return None
        reason = "" if cue.reason is None else f" ({self._texts.say(cue.reason)})"
        return self._texts.say(cue.advice) + reason


def describe(analysis: Analysis, texts: Texts) -> str:
    """Put an analysis into words and two small tables."""
    summary = analysis.summary
    name = texts.say(Message(f"exercise.{analysis.exercise}"))
    lines = [f"{name}: {summary.reps} reps, {summary.scored} scored, {summary.in_zone} in the zone"]
    if summary.share is not None:
        lines.append(
            f"Glute share {_percent(summary.share)} ({_percent(summary.share_low)} to {_percent(summary.share_high)}), "
            f"relative muscle activity in {summary.unit}"
        )
    elif summary.why_no_share is not None:
        lines.append(f"No share: {texts.say(Message(f'rep.{summary.why_no_share}'))}")
    if analysis.truth is not None and analysis.truth.share is not None:
        lines.append(f"The simulated person's true share: {_percent(analysis.truth.share)}")
    lines += ["", f"{'muscle':<26}{'floor':>8}{'reference':>11}{'SNR':>7}{'rate':>10}{'bursts':>8}  signal"]
    for m in analysis.muscles:
        floor, reference = ("–" if v is None else f"{v:.1f}" for v in (m.floor, m.reference))
        snr = "–" if m.snr_db is None else f"{m.snr_db:.0f} dB"
        state = texts.say(Message(f"state.{m.quality}")) + (f" ({', '.join(m.reasons)})" if m.reasons else "")
        label = _named(Role.parse(f"{m.muscle}:{m.side}"), texts)
        lines.append(f"{label:<26}{floor:>8}{reference:>11}{snr:>7}{m.rate_hz:>7.0f} Hz{len(m.bursts):>8}  {state}")
    lines += _said_of_muscles(analysis, texts)
    if analysis.reps:
        lines += ["", f"{'rep':>3}{'from':>9}{'to':>9}{'share':>8}{'range':>14}   led by"]
    for number, rep in enumerate(analysis.reps, 1):
        reasons = f" ({', '.join(rep.reasons)})" if rep.reasons else ""
        between = "–" if rep.share_low is None else f"{_percent(rep.share_low)[:-2]} to {_percent(rep.share_high)}"
        span = f"{number:>3}{rep.start_s:>7.2f} s{rep.end_s:>7.2f} s"
        lines.append(f"{span}{_percent(rep.share):>8}{between:>14}   {rep.led_by or '–'}{reasons}")
    if analysis.recovered is not None:
        lines += ["", analysis.recovered]
    return "\n".join(lines)


def _said_of_muscles(analysis: Analysis, texts: Texts) -> list[str]:
    """Say how late the numbers are, what cannot be told, and what the muscles do from repetition to repetition."""
    bars_s = [m.delay.bar_s for m in analysis.muscles if m.delay.bar_s is not None]
    shares_s = [m.delay.share_s for m in analysis.muscles if m.delay.share_s is not None]
    lines = []
    if bars_s and shares_s:
        lines.append(f"Live, a bar is {1000 * max(bars_s):.0f} ms behind the muscle, the share {1000 * max(shares_s):.0f} ms.")
    said: dict[str, list[str]] = {}  # what holds for several muscles is said once
    for m in analysis.muscles:
        label = _named(Role.parse(f"{m.muscle}:{m.side}"), texts)
        lasting = {what: why for what, why in m.not_available.items() if why not in _PASSING}
        for why in dict.fromkeys(lasting.values()):
            measures = ", ".join(texts.say(Message(f"measure.{what}")) for what, reason in lasting.items() if reason == why)
            said.setdefault(f"{measures} {texts.say(Message(f'not_available.{why}'))}.", []).append(label)
        if m.tiring.quadrant is not None:
            said.setdefault(f"{texts.say(Message(f'tiring.{m.tiring.quadrant}'))}.", []).append(label)
    for line, labels in said.items():
        lines.append(line if len(labels) == len(analysis.muscles) > 1 else f"{'; '.join(labels)}: {line}")
    trend = analysis.summary.ln_ratio_trend
    if trend is not None and trend.high < 0:
        lines.append("From repetition to repetition the hamstrings take over more.")
    return lines and ["", *lines]


def describe_calibration(calibration: Calibration, texts: Texts) -> str:
    """Put a calibration into words and a table: RMS in the unit of each sensor, and every trial."""
    how = {None: "Floors alone", "mvic": "Maximal effort", "submaximal": "Half effort"}[calibration.method]
    if calibration.method is not None:
        part = "greatest RMS" if calibration.statistic == "max" else "RMS"
        how += f", {calibration.unit}: {part} over {calibration.window_s:g} s"
    head = f"{'muscle':<26}{'floor':>8}{'reference':>11}{'above floor':>13}{'apart':>8}  trials"
    return "\n".join([how, "", head, *(_level_line(level, texts) for level in calibration.levels)])


def _level_line(level: Level, texts: Texts) -> str:
    reference = "–" if level.reference is None else f"{level.reference:.1f}"
    snr = "–" if level.snr_db is None else f"{level.snr_db:.0f} dB"
    values = ((t, "–" if t.value is None else f"{t.value:.1f}") for t in level.trials)
    trials = ", ".join(value if t.accepted else f"{value} ({t.reason})" for t, value in values)
    name = _named(Role.parse(level.role), texts)
    return f"{name:<26}{level.floor:>8.1f}{reference:>11}{snr:>13}{_percent(level.agreement):>8}  {trials}".rstrip()


def describe_check(check: Isolation | Drift, texts: Texts) -> list[str]:
    """Put a check of the sensors into words, one line a finding."""
    if isinstance(check, Drift):
        changes = ((c, {"sensor": _named(Role.parse(c.role), texts), "percent": _signed(c.change)}) for c in check.changes)
        return [texts.say(Message(f"check.drift_{c.verdict}", fills)) for c, fills in changes]
    if check.swapped:
        named = ([_named(Role.parse(role), texts) for role in pair] for pair in check.swapped)
        return [texts.say(Message("check.swapped", {"first": first, "second": second})) for first, second in named]
    words = {True: "alone", False: "joined_in", None: "unknown"}
    lines = [texts.say(Message("check.isolated"))] if check.verdict == "good" else []
    for finding in check.findings:
        percent, most = round(100 * (finding.activation or 0.0)), round(100 * finding.at_most)
        fills: dict[str, str | int] = {"sensor": _named(Role.parse(finding.role), texts), "percent": percent, "most": most}
        lines.append(texts.say(Message(f"check.{words[finding.held]}", fills)))
    return lines


def _named(role: Role, texts: Texts) -> str:
    """Name a muscle with its side; the second of the others with its number."""
    stem = role.muscle.rstrip("0123456789")
    number = role.muscle.removeprefix(stem)
    return f"{texts.say(Message('label.' + stem))}{number and ' '}{number}, {role.side}"


def _signed(change: float | None) -> str:
    return "–" if change is None else f"{100 * change:+.0f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
