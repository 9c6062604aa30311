"""What a plan came to: sets, what was changed and why, answers, checks; from the events of a recording and its repetitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from gluteemg.activation.ratio import share_of
from gluteemg.activation.rep import Rep
from gluteemg.coaching.diary import Done, Entry
from gluteemg.coaching.safety import Answer, told
from gluteemg.muscles import Side
from gluteemg.sensors.source import Event


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PractisedSet(_Row):
    """One set.

    `asked` repetitions were asked for and `counted` done, some of them perhaps by time; `scored`, `in_zone` and `good` are of
    those that the sensors heard. A good one is in its zone, over its floor and near the planned tempo, as far as each is asked.
    `share` is that of the mean ``ln R`` of the scored ones. `rung` is the id of what made it harder than the plain exercise.
    """

    exercise: str
    rung: str | None
    number: int
    side: Side | None
    start_s: float
    end_s: float
    asked: int
    counted: int
    scored: int
    in_zone: int
    good: int
    share: float | None


class Change(_Row):
    """A change that was offered: what and why, in which situation, where that is known from, and whether it was declined.

    `change` and `why` are ids of texts, `fills` what fills these.
    """

    t_s: float
    exercise: str
    change: str
    why: str
    fills: Mapping[str, str]
    situation: str
    source: str
    declined: bool


class Answered(_Row):
    """What was answered to a question; the id of the question, and of what was ticked."""

    t_s: float
    question: str
    value: bool | int | float | str | tuple[str, ...] | None


class Checked(_Row):
    """What a posture, a release or a last hold came to, as the event of the recording tells it."""

    t_s: float
    kind: str
    found: Mapping[str, Any]


class Practised(_Row):
    """What a plan came to."""

    plan: str
    sets: tuple[PractisedSet, ...]
    changes: tuple[Change, ...]
    answers: tuple[Answered, ...]
    checks: tuple[Checked, ...]


_CHECKS = ("posture_check", "relax", "hold", "isolation", "drift")


def practised(events: Iterable[tuple[float, Event]], reps: Sequence[Rep], end_s: float) -> Practised:
    """Put together what was practised.

    Parameters
    ----------
    events : iterable of (float, Event)
        In order, each with when it happened, in seconds since session zero.
    reps : sequence of Rep
        Those of the recording.
    end_s : float
        End of the recording: a set that was going on ends there.
    """
    plan, sets, changes, answers, checks = "", [], [], [], []
    begun: tuple[float, Event] | None = None
    for t_s, event in events:
        detail = event.detail
        match event.kind:
            case "plan":
                plan = str(detail["id"])
            case "set":
                begun = (t_s, event)
            case "set_end" if begun is not None:
                starts = set(detail["taken"])
                taken = [rep for rep in reps if round(rep.start_s, 2) in starts]
                sets.append(_set(*begun, t_s, taken, counted=int(detail["counted"]), good=int(detail["good"])))
                begun = None
            case "advice":
                told = {name: detail[name] for name in ("exercise", "change", "why", "fills", "situation", "source")}
                changes.append(Change(t_s=t_s, declined=False, **told))
            case "key" if detail.get("key") == "decline" and changes:
                changes[-1] = changes[-1].model_copy(update={"declined": True})
            case "answer":
                value = detail["value"]
                answers.append(Answered(t_s=t_s, question=detail["question"], value=value))
            case kind if kind in _CHECKS:
                checks.append(Checked(t_s=t_s, kind=kind, found=detail))
    if begun is not None:
        heard = _within(reps, begun[0], end_s)
        sets.append(_set(*begun, end_s, heard, counted=len(heard), good=sum(_is_good(rep) for rep in heard)))
    return Practised(plan=plan, sets=tuple(sets), changes=tuple(changes), answers=tuple(answers), checks=tuple(checks))


def _set(start_s: float, event: Event, end_s: float, reps: Sequence[Rep], *, counted: int, good: int) -> PractisedSet:
    scored = [rep for rep in reps if rep.scored]
    ln = [rep.ln_ratio for rep in scored if rep.ln_ratio is not None]
    return PractisedSet(
        exercise=event.detail["exercise"],
        rung=event.detail.get("rung"),
        number=event.detail["set"],
        side=event.detail["side"],
        start_s=round(start_s, 3),
        end_s=round(end_s, 3),
        asked=event.detail["reps"],
        counted=counted,
        scored=len(scored),
        in_zone=sum(rep.in_zone is True for rep in scored),
        good=good,
        share=round(share_of(float(np.mean(ln))), 4) if ln else None,
    )


def _is_good(rep: Rep) -> bool:
    """Tell what can be told of a set that nobody ended: the tempo is left out."""
    return rep.scored and rep.in_zone is not False and rep.over_floor is not False


def _within(reps: Sequence[Rep], start_s: float, end_s: float) -> list[Rep]:
    return [rep for rep in reps if rep.counted and rep.start_s >= start_s and rep.end_s <= end_s]


def entry_of(practice: Practised, at: datetime, *, stage: int | None = None) -> Entry:
    """Give what a session goes into the diary as.

    Parameters
    ----------
    practice : Practised
        What the plan came to.
    at : datetime
        When it began, with its offset from UTC.
    stage : int, optional
        Of the programme.

    Raises
    ------
    pydantic.ValidationError
        Never for answers that `Question.answer` took.
    """
    done: dict[tuple[str, Side | None, str | None], list[PractisedSet]] = {}
    for each in practice.sets:
        done.setdefault((each.exercise, each.side, each.rung), []).append(each)
    found: dict[str, list[Mapping[str, Any]]] = {}
    for check in practice.checks:
        found.setdefault(check.kind, []).append(check.found)
    times_s = [time_s for relax in found.get("relax", ()) if (time_s := _slower_side_s(relax)) is not None]
    clenched = [check["clenched"] for check in found.get("posture_check", ()) if check["clenched"] is not None]
    isolated = [check["verdict"] == "good" for check in found.get("isolation", ())]
    answers = [Answer(question=a.question, value=a.value) for a in practice.answers if a.value is not None]
    return Entry(
        at=at,
        plan=practice.plan,
        stage=stage,
        exercises=tuple(_done(*of, sets) for of, sets in done.items()),
        time_to_relax_s=float(np.median(times_s)) if times_s else None,
        resting=not any(clenched) if clenched else None,
        isolated=isolated[-1] if isolated else None,
        **told(answers),
    )


def _done(exercise: str, side: Side | None, rung: str | None, sets: Sequence[PractisedSet]) -> Done:
    ln = [(float(np.log(s.share / (1 - s.share))), s.scored) for s in sets if s.share is not None and 0 < s.share < 1]
    scored = sum(s.scored for s in sets)
    return Done(
        exercise=exercise,
        side=side,
        rung=rung,
        sets=len(sets),
        reps=sum(s.counted for s in sets),
        scored_reps=scored,
        good_reps=sum(s.good for s in sets),
        ln_ratio=float(np.average([x for x, _ in ln], weights=[n for _, n in ln])) if ln else None,
    )


def _slower_side_s(relax: Mapping[str, Any]) -> float | None:
    times_s = [side["time_to_relax_s"] for side in relax["sides"].values() if side["time_to_relax_s"] is not None]
    return max(times_s, default=None)
