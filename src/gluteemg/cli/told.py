"""An exercise told to whoever looks it up: a row of the list, or all about it in paragraphs, each with its label.

What a session tells on a terminal stands in `gluteemg.console`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from math import exp, log
from typing import TYPE_CHECKING

from gluteemg.activation.ratio import DEAD_BAND, share_of

if TYPE_CHECKING:
    from gluteemg.coaching.exercise import Evidence, Exercise, Range
    from gluteemg.coaching.texts import Texts

_STAGES = ("screen", "find_and_relax", "activate", "intermediate", "loaded")  # by number: their words are stage.<id>


def heads(texts: Texts) -> tuple[str, ...]:
    """Give what stands over the columns of the list."""
    return tuple(_show(texts, f"head_{name}") for name in ("id", "stage", "name", "works", "dose", "judged"))


def row(e: Exercise, texts: Texts) -> tuple[str, ...]:
    """Give its row of the list: what works, how much of it, by what it is judged."""
    hold = _show(texts, "short_hold", seconds=f"{e.dose.hold_s:g}") if e.dose.hold_s else ""
    dose = f"{_span(e.dose.sets, texts)} × {_span(e.dose.reps, texts)}{hold}"
    judged = "_and_".join(name for name, there in (("floor", e.floor), ("share", e.share_band)) if there is not None)
    works = ", ".join(_words(texts, "label", e.target))
    return e.id, str(e.stage), _say(texts, "exercise", e.id), works, dose, _show(texts, f"judged_{judged or 'time'}")


def title(e: Exercise, texts: Texts) -> str:
    """Name it, with its stage."""
    stage = _say(texts, "stage", _STAGES[e.stage])
    return _show(texts, "title", name=_say(texts, "exercise", e.id), id=e.id, number=e.stage, word=stage)


def paragraphs(e: Exercise, texts: Texts) -> Iterator[tuple[str, str]]:
    """Tell all about it, a label and a text at a time; without a label it goes on, two empty ones are a gap."""
    for label, text in _told(e, texts):
        yield (_show(texts, f"label_{label}") if label else ""), text


def _words(texts: Texts, table: str, ids: Iterable[str]) -> list[str]:
    """Give the words of several ids."""
    return [_say(texts, table, id) for id in ids]


def _say(texts: Texts, table: str, id: str) -> str:
    """Give the words for an id, or the id in brackets where there are none yet: `check` is what refuses it."""
    return f"[{table}.{id}]" if texts.lacks([f"{table}.{id}"]) else texts.words(f"{table}.{id}")


def _show(texts: Texts, id: str, /, **fills: str | int) -> str:
    return texts.words(f"show.{id}", **fills)


def _told(e: Exercise, texts: Texts) -> Iterator[tuple[str, str]]:
    place, sides = _say(texts, "posture", e.posture), _say(texts, "side_mode", e.side_mode)
    yield "how", _show(texts, "how", place=place, sides=sides, followed=_show(texts, f"followed_{e.channel}"))
    yield "position", _say(texts, "setup", e.id)
    if e.equipment:
        yield "needs", ", ".join(_words(texts, "equipment", e.equipment))
    yield "", ""
    for i, phase in enumerate(e.phases):
        cue = "" if phase.cue is None else f'  "{_say(texts, "cue", phase.cue)}"'
        tempo = texts.number(f"{phase.tempo_s:>3g}")
        said = f"{_say(texts, 'phase', phase.id):<12}{tempo} s  {_say(texts, 'breath', phase.breath):<15}{cue}"
        yield "" if i else "phases", said.rstrip()
    yield "dose", _dose(e, texts)
    yield "", ""
    yield "works", ", ".join(_words(texts, "label", e.target))
    if e.watch:
        yield "watched", ", ".join(_words(texts, "label", e.watch))
    yield "sensors", _sensors(e, texts)
    if e.floor is not None:
        name, mvic, ref = _say(texts, "label", e.target[0]), f"{100 * e.floor.mvic:g}", f"{100 * e.floor.ref:g}"
        yield "floor", _show(texts, "floor", name=name, mvic=mvic, ref=ref)
    yield "zone", _zone(e, texts)
    yield from _variants(e, texts)
    yield from _evidence(e, texts)
    yield "", ""
    if e.contraindications:
        reasons = _show(texts, "or_if").join(_words(texts, "contraindication", e.contraindications))
        yield "leave_out", _show(texts, "leave_out", reasons=reasons)
    yield "stop", _say(texts, "stop", e.stop)


def _variants(e: Exercise, texts: Texts) -> Iterator[tuple[str, str]]:
    for i, variant in enumerate(e.variants):
        yield "", ""
        things = ", ".join(_words(texts, "equipment", variant.equipment))
        takes = _show(texts, "takes", things=things) if things else ""
        yield "" if i else "changes", f"{variant.id}: {_say(texts, 'advice', variant.id)}{takes}"
        yield "", _show(texts, "helps", situations=", ".join(_words(texts, "situation", variant.helps)))
        yield "", _show(texts, "reason", reason=_say(texts, "why", variant.id))
        yield "", _show(texts, "expected", expected=variant.expect)
        yield "", _show(texts, "source", source=variant.source)


def _evidence(e: Exercise, texts: Texts) -> Iterator[tuple[str, str]]:
    """Tell what has been measured, each with its limits: context, never a mark to pass."""
    yield "", ""
    yield "evidence", _show(texts, "evidence" if e.evidence else "no_evidence")
    for (condition, people, n, source, status), rows in groupby(e.evidence, _limits):
        figures = ", ".join(figure for row in rows if (figure := _figure(row, texts)))
        yield "", f"- {figures}: {condition}" if figures else f"- {condition}"
        known = _show(texts, "people", people=people, n=n) if n else _show(texts, "people_without_n", people=people)
        whom = known if people else _show(texts, "people_unknown")
        yield "", f"  {whom}; {source}; {_show(texts, f'status_{status}')}"


def _limits(row: Evidence) -> tuple[str, str, int | None, str, str]:
    return row.condition, row.population, row.n, row.source, row.status


def _figure(row: Evidence, texts: Texts) -> str:
    muscle = "" if row.muscle is None else _say(texts, "label", row.muscle)
    spread = "" if row.sd is None else f" ± {row.sd:g}"
    figure = "" if row.mean is None else f"{texts.number(f'{row.mean:g}{spread}')} {row.unit}"
    return f"{muscle} {figure}".strip()


def _sensors(e: Exercise, texts: Texts) -> str:
    needed, part = (", ".join(_words(texts, "label", muscles)) for muscles in (e.requires, e.degrades_to))
    if not needed:
        return _show(texts, "no_sensor")
    return f"{needed}; {_show(texts, 'part', muscles=part) if part else _show(texts, 'by_time')}"


def _zone(e: Exercise, texts: Texts) -> str:
    if e.share_band is None:
        return _show(texts, "no_zone")
    low, high = (log(edge) for edge in e.share_band)
    share_low, share_high, share_least = (str(round(100 * share_of(ln))) for ln in (low, high, low - DEAD_BAND))
    return _show(
        texts,
        "zone",
        low=share_low,
        high=share_high,
        least=share_least,
        r_low=f"{e.share_band[0]:g}",
        r_high=f"{e.share_band[1]:g}",
        r_least=f"{exp(low - DEAD_BAND):.2g}",
    )


def _dose(e: Exercise, texts: Texts) -> str:
    several = e.dose.sets.most > 1
    said = _show(texts, "sets" if several else "one_set", sets=_span(e.dose.sets, texts), reps=_span(e.dose.reps, texts))
    if e.side_mode != "both":
        said += _show(texts, "each_side")
    if e.dose.hold_s:
        said += _show(texts, "last_hold", seconds=f"{e.dose.hold_s:g}")
    if several or e.side_mode != "both":
        said += _show(texts, "between_sets", seconds=f"{e.dose.rest_s:g}")
    return said


def _span(span: Range, texts: Texts) -> str:
    return str(span.least) if span.least == span.most else _show(texts, "span", least=span.least, most=span.most)
