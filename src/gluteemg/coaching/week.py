"""The calendar of a programme: what was done of what was planned, and which day is next. No streaks: a day off is a day off.

Weeks begin on Monday (ISO 8601) and are counted in local dates, so neither summer time nor a journey moves a session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gluteemg.coaching.diary import Entry, days, sessions
from gluteemg.coaching.programme import Programme, Stage

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Week:
    """One week of practice.

    Parameters
    ----------
    monday : date
        Its first day.
    practised : tuple of date
        Days with a session, ascending.
    planned : int
        The fewest that the stage asks for.
    """

    monday: date
    practised: tuple[date, ...]
    planned: int

    @property
    def done(self) -> int:
        """How many days had a session."""
        return len(self.practised)

    @property
    def adherence(self) -> float | None:
        """Done of planned, 0 to 1: more than planned is no more than all; None where nothing is planned."""
        return min(1.0, self.done / self.planned) if self.planned else None


def monday(day: date) -> date:
    """Give the first day of its week."""
    return day - timedelta(days=day.weekday())


def last_weeks(n: int, today: date, is_met: Callable[[date], bool]) -> tuple[date, ...]:
    """Give the Mondays of the last `n` weeks, the newest first.

    The present week is one of them only where it has what is asked already: before that it says nothing yet.
    """
    now = monday(today)
    newest = now if is_met(now) else now - _WEEK
    return tuple(newest - i * _WEEK for i in range(n))


def weeks(programme: Programme, entries: Sequence[Entry], today: date) -> tuple[Week, ...]:
    """Give every week from that of the first session to the present one; none before the first session.

    Each is held against the stage of its last session, or of the last one before it.
    """
    inside: dict[date, list[Entry]] = {}
    for entry in sorted(sessions(entries, today), key=lambda entry: entry.day):
        inside.setdefault(monday(entry.day), []).append(entry)
    found: list[Week] = []
    stage, start = 0, min(inside, default=today + _DAY)
    while start <= today:
        practised = inside.get(start, [])
        stage = next((entry.stage for entry in reversed(practised) if entry.stage is not None), stage)
        asked = programme.stages[min(stage, len(programme.stages) - 1)].sessions_per_week
        found.append(Week(start, days(practised), 0 if asked is None else asked.least))
        start += _WEEK
    return tuple(found)


def days_ahead(stage: Stage, entries: Sequence[Entry], today: date) -> tuple[date, ...]:
    """Suggest days for the rest of this week, or for the next one where this one has enough; a proposal, nothing is missed.

    Parameters
    ----------
    stage : Stage
        The present one: how many days a week, and how many days of rest between.
    entries : sequence of Entry
        The diary.
    today : date
        It is among them where it suits.

    Returns
    -------
    tuple of date
        Ascending; the first is the next suggested day. None at a stage that plans no sessions.
    """
    if stage.sessions_per_week is None:
        return ()
    practised = days(sessions(entries, today))
    for start in (monday(today), monday(today) + _WEEK):
        done = sum(start <= day < start + _WEEK for day in practised)
        ahead = _spread(stage, practised, max(start, today), start + _WEEK, stage.sessions_per_week.least - done)
        if ahead:
            return ahead
    return ()


def _spread(stage: Stage, practised: Sequence[date], start: date, end: date, wanted: int) -> tuple[date, ...]:
    """Choose up to `wanted` days before `end`, each with its days of rest before it."""
    chosen: list[date] = []
    day, before = start, practised[-1] if practised else None
    while day < end and len(chosen) < wanted:
        if before is None or (day - before).days > stage.rest_days:
            chosen.append(day)
            before = day
        day += _DAY
    return tuple(chosen)
