"""A session told on a terminal, line by line, for when there is no window."""

from __future__ import annotations

import sys

from gluteemg.coaching.coach import Cue, Message
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import Role
from gluteemg.processing.quality import State
from gluteemg.report.analysis import Analysis
from gluteemg.session import Moment, Session

_LOOK_S = 0.1
"""How often the session is looked at (chosen: no line comes noticeably late)."""


def follow(session: Session, texts: Texts) -> None:
    """Write what happens to standard error until the session ends; Ctrl-C stops it, and everything is kept.

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
                label = self._texts.say(Message("label." + role.muscle.rstrip("0123456789")))
                word = self._texts.say(Message(f"state.{state or 'waiting'}"))
                said_s = 0.0 if moment.frame is None else moment.frame.t_s
                _write(f"{said_s:7.1f} s  {label}, {role.side}: {word}")
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
    lines += ["", f"{'muscle':<26}{'floor':>8}{'reference':>11}{'rate':>10}{'bursts':>8}  signal"]
    for m in analysis.muscles:
        floor, reference = ("–" if v is None else f"{v:.1f}" for v in (m.floor, m.reference))
        digits = m.muscle.removeprefix(m.muscle.rstrip("0123456789"))
        label = f"{texts.say(Message('label.' + m.muscle.removesuffix(digits)))}{digits and ' '}{digits}, {m.side}"
        state = texts.say(Message(f"state.{m.quality}")) + (f" ({', '.join(m.reasons)})" if m.reasons else "")
        lines.append(f"{label:<26}{floor:>8}{reference:>11}{m.rate_hz:>7.0f} Hz{len(m.bursts):>8}  {state}")
    if analysis.reps:
        lines += ["", f"{'rep':>3}{'from':>9}{'to':>9}{'share':>8}   led by"]
    for number, rep in enumerate(analysis.reps, 1):
        reasons = f" ({', '.join(rep.reasons)})" if rep.reasons else ""
        led_by = rep.led_by or "–"
        lines.append(f"{number:>3}{rep.start_s:>7.2f} s{rep.end_s:>7.2f} s{_percent(rep.share):>8}   {led_by}{reasons}")
    if analysis.recovered is not None:
        lines += ["", analysis.recovered]
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
