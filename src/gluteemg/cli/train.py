"""``gluteemg train``: go through a plan, step by step; every rule of the coach lives here for a person, or a simulated one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gluteemg.cli.language import language_of
from gluteemg.cli.live import Headless, Seconds, WithSound, has_screen, kept, live
from gluteemg.cli.output import Json
from gluteemg.cli.worn import CalibrationFile, Find, Profiles, Worn, pair, texts_for
from gluteemg.errors import GluteemgError, RoleError

if TYPE_CHECKING:
    from datetime import date

    from gluteemg.activation.protocol import Protocol
    from gluteemg.coaching.diary import Entry
    from gluteemg.coaching.exercise import Exercise
    from gluteemg.coaching.safety import Answer, Question, Safety
    from gluteemg.console import Answers
    from gluteemg.rehearsal import Rehearsal
    from gluteemg.sensors.source import Event, Source

PlanName = Annotated[
    str | None,
    typer.Option("--plan", help="A plan by its id, or a TOML file; if not given, a session of your stage of the programme."),
]
Person = Annotated[
    str | None,
    typer.Option(
        "--virtual",
        metavar="PERSON",
        help="A simulated person: hamstring-led, shared or glute-led; with habits after commas: clenching, ignoring, "
        "declining, hasty, uneven, tiring, pausing, cramping, hurting, losing.",
    ),
]


def train(
    context: typer.Context,
    plan: PlanName = None,
    role: Annotated[list[str] | None, typer.Option("--role", help="SENSOR=MUSCLE:SIDE, as for `record`.")] = None,
    profile: Profiles = None,
    calibration: CalibrationFile = None,
    record: Annotated[Path | None, typer.Option(help="Keep the session in this .emg file.")] = None,
    seconds: Seconds = None,
    find: Find = 10.0,
    headless: Headless = False,
    sound: WithSound = None,
    as_json: Json = False,
    virtual: Person = None,
    channels: Annotated[int, typer.Option(help="Channels that the simulated person wears: 1, 3, 4, 6 or 8.")] = 3,
    answer: Annotated[list[str] | None, typer.Option(help="QUESTION=ANSWER, such as pain_before=1; else it asks.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another simulated person.")] = 0,
) -> None:
    """Go through a plan: it says what to do, counts, rests, and what to change; everything is kept in one file."""
    from datetime import datetime

    from gluteemg.catalogue import (
        add_to_diary,
        load_advice,
        load_calibration,
        load_diary,
        load_exercise,
        load_plan,
        load_programme,
        load_protocol,
        load_safety,
    )
    from gluteemg.coaching.coach import lead, plan_event
    from gluteemg.coaching.diary import Entry
    from gluteemg.coaching.gate import standing
    from gluteemg.coaching.message import Message
    from gluteemg.coaching.safety import told
    from gluteemg.console import Answers, describe_practice
    from gluteemg.recording.file import Recording
    from gluteemg.report.analysis import analyse
    from gluteemg.report.document import Truth
    from gluteemg.report.practice import entry_of
    from gluteemg.session import units_of

    entries, today = load_diary().entries if virtual is None else (), datetime.now().astimezone().date()
    now = standing(load_programme(), entries, today)
    stage = now.stage.number
    chosen = now.stage.plan("submaximal") if plan is None else load_plan(plan)
    exercises = {id: load_exercise(id) for id in chosen.exercises}
    protocols = {id: load_protocol(id) for id in chosen.protocols}
    texts = texts_for(exercises.values(), protocols.values(), chosen, language_of(context))
    headless = headless or not has_screen()
    safety = load_safety()
    rehearsal: Rehearsal | None = None
    first: tuple[Answer, ...] = ()
    answers = Answers(safety, _given(answer or [], safety), texts)
    if virtual is not None:
        if role:
            raise RoleError("A simulated person wears their own sensors: leave --role out, or --virtual.")
        rehearsal = _rehearsal(virtual, exercises, protocols, channels, seed, answers.given, speed=None if headless else 1.0)
        source: Source = rehearsal.source
        placements = rehearsal.placements
    else:
        first = _ask_first(safety, entries, today, answers)
        if stops := safety.stops(first):
            add_to_diary(Entry(at=datetime.now().astimezone(), **told(first)))
            typer.echo("\n".join(texts.say(message) for message in (stops[0].message, stops[0].referral)))
            return
        for caution in safety.cautions(first):
            typer.echo(texts.say(caution), err=True)
        worn = Worn.of(role or [], profile, virtual=None, find_s=find)
        source, placements = worn.source, worn.placements
    missing = chosen.check(exercises, [(p.role.muscle, p.role.side) for p in placements])
    if missing:
        muscles = ", ".join(texts.say(Message(f"label.{muscle}")) for muscle in missing)
        typer.echo(texts.say(Message("report.not_measured", {"muscles": muscles})), err=True)
    units = units_of(source.profiles, placements)
    coach = lead(chosen, exercises, protocols, load_advice(texts.language), safety, units=units)
    with kept(record) as path:
        live(
            source,
            placements,
            coach,
            texts,
            path,
            exercises=exercises or {"bridge": load_exercise("bridge")},
            opening=[plan_event(chosen, exercises, protocols), *(_event(answer) for answer in first)],
            calibration=None if calibration is None else load_calibration(calibration),
            seconds=seconds,
            headless=headless,
            sound=not (headless and virtual is not None) if sound is None else sound,
            watchers=() if rehearsal is None else [lambda moment: rehearsal.hear(moment.cue)],
            look=(lambda _: None) if rehearsal is not None else answers,
        )
        analysis = analyse(Recording.open(path), next(iter(exercises.values()), load_exercise("bridge")))
    if virtual is None and analysis.practice is not None:
        began = datetime.fromisoformat(analysis.started).astimezone()
        add_to_diary(entry_of(analysis.practice, began, stage=stage))
    if as_json:
        truth = None if rehearsal is None else Truth(**rehearsal.truth)
        named = {"recording": str(record) if record else chosen.id, "truth": truth}
        typer.echo(analysis.model_copy(update=named).model_dump_json(indent=2))
    elif analysis.practice is not None:
        typer.echo(describe_practice(analysis.practice, texts))


def _given(answers: Sequence[str], safety: Safety) -> dict[str, Answer]:
    """Read the answers that were given beforehand."""
    questions: dict[str, Question] = {question.id: question for question in safety.questions}
    given: dict[str, Answer] = {}
    for id, typed in (pair(text, "QUESTION=ANSWER") for text in answers):
        if id not in questions:
            raise GluteemgError(f"There is no question {id!r}: there are {', '.join(questions)}.")
        answer = questions[id].read(typed)
        if answer is None:
            raise GluteemgError(f"{typed!r} does not answer {id}: see docs/programme.md for what does.")
        given[id] = answer
    return given


def _ask_first(safety: Safety, entries: Sequence[Entry], today: date, answers: Answers) -> tuple[Answer, ...]:
    """Ask what it takes to know before a session; it is not asked again in it."""
    due = safety.asked("first_run") if safety.is_due(entries, today) else ()
    told = []
    for question in (*due, *(question for question in safety.asked("before") if question not in due)):
        answer = answers.ask(question)
        if answer is None:
            raise GluteemgError(f"This must be known before a session: add --answer {question.id}=…, or run it in a terminal.")
        told.append(answer)
        if safety.stops(told):
            break
    return tuple(told)


def _event(answer: Answer) -> Event:
    from gluteemg.sensors.source import Event

    return Event("answer", answer.model_dump(mode="json"))


def _rehearsal(
    person: str,
    exercises: dict[str, Exercise],
    protocols: dict[str, Protocol],
    channels: int,
    seed: int,
    answers: Mapping[str, Answer],
    *,
    speed: float | None,
) -> Rehearsal:
    from gluteemg.rehearsal import Rehearsal

    said = {question: answer.value for question, answer in answers.items()}
    return Rehearsal(person, exercises, protocols, channels=channels, seed=seed, answers=said, speed=speed)
