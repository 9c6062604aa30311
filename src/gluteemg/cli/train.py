"""``gluteemg train``: go through a plan, step by step; every rule of the coach lives here for a person, or a simulated one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gluteemg.cli.language import language_of
from gluteemg.cli.live import Headless, Seconds, WithSound, analysed, has_screen, kept, live
from gluteemg.cli.output import Json
from gluteemg.cli.worn import CalibrationFile, Find, Profiles, Worn, pair, texts_for
from gluteemg.errors import GluteemgError, RoleError

if TYPE_CHECKING:
    from datetime import date

    from gluteemg.activation.protocol import Protocol
    from gluteemg.coaching.diary import Entry
    from gluteemg.coaching.exercise import Exercise
    from gluteemg.coaching.plan import Plan
    from gluteemg.coaching.safety import Answer, Question, Safety
    from gluteemg.coaching.texts import Texts
    from gluteemg.console import Answers
    from gluteemg.muscles import Placement
    from gluteemg.rehearsal import Rehearsal
    from gluteemg.report.document import Analysis
    from gluteemg.sensors.source import Event

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

    from gluteemg.catalogue import load_advice, load_calibration, load_diary, load_exercise, load_protocol, load_safety
    from gluteemg.coaching.coach import lead, plan_event
    from gluteemg.console import Answers, describe_practice
    from gluteemg.report.document import Truth
    from gluteemg.session import units_of

    entries, today = load_diary().entries if virtual is None else (), datetime.now().astimezone().date()
    chosen, stage = _chosen(plan, entries, today)
    exercises = {id: load_exercise(id) for id in chosen.exercises}
    protocols = {id: load_protocol(id) for id in chosen.protocols}
    texts = texts_for(exercises.values(), protocols.values(), chosen, language_of(context))
    headless, safety = headless or not has_screen(), load_safety()
    answers = Answers(safety, _given(answer or [], safety), texts)
    rehearsal: Rehearsal | None = None
    first: tuple[Answer, ...] = ()
    if virtual is None:
        first = _ask_first(safety, entries, today, answers)
        if _may_not(safety, first, texts):
            return
        worn: Worn | Rehearsal = Worn.of(role or [], profile, virtual=None, find_s=find)
    elif role:
        raise RoleError("A simulated person wears their own sensors: leave --role out, or --virtual.")
    else:
        speed = None if headless else 1.0
        worn = rehearsal = _rehearsal(virtual, exercises, protocols, channels, seed, answers.given, speed=speed)
    source, placements = worn.source, worn.placements
    for line in _beforehand(chosen, exercises, placements, texts):
        typer.echo(line, err=True)
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
        analysis = analysed(path, next(iter(exercises.values()), load_exercise("bridge")))
    named = analysis.model_copy(update={"recording": str(record) if record else chosen.id})
    if rehearsal is None:
        _keep(analysis, stage)
    else:
        named = named.model_copy(update={"truth": Truth(**rehearsal.truth)})
    if as_json:
        typer.echo(named.model_dump_json(indent=2))
    elif analysis.practice is not None:
        typer.echo(describe_practice(analysis.practice, texts))


def _chosen(plan: str | None, entries: Sequence[Entry], today: date) -> tuple[Plan, int]:
    """Give a plan by its name, or that of the person's stage, and the number of the stage."""
    from gluteemg.catalogue import load_plan, load_programme
    from gluteemg.coaching.gate import standing

    programme = load_programme()
    stage = standing(programme, entries, today).stage
    chosen = stage.plan("submaximal", programme.rungs(stage, entries, today)) if plan is None else load_plan(plan)
    return chosen, stage.number


def _may_not(safety: Safety, first: Sequence[Answer], texts: Texts) -> bool:
    """Say what the first answers ask for; where they stop the session, keep them, and tell so."""
    from datetime import datetime

    from gluteemg.catalogue import add_to_diary
    from gluteemg.coaching.diary import Entry
    from gluteemg.coaching.safety import told

    if stops := safety.stops(first):
        add_to_diary(Entry(at=datetime.now().astimezone(), **told(first)))
        typer.echo("\n".join(texts.say(message) for message in (stops[0].message, stops[0].referral)))
        return True
    for caution in safety.cautions(first):
        typer.echo(texts.say(caution), err=True)
    return False


def _beforehand(plan: Plan, exercises: Mapping[str, Exercise], placements: Sequence[Placement], texts: Texts) -> Iterator[str]:
    """Say what is not measured, and what is harder than planned."""
    if missing := plan.check(exercises, [(p.role.muscle, p.role.side) for p in placements]):
        muscles = ", ".join(texts.words(f"label.{muscle}") for muscle in missing)
        yield texts.words("report.not_measured", muscles=muscles)
    yield from map(texts.say, plan.harder)


def _keep(analysis: Analysis, stage: int) -> None:
    """Write what a session of a real person came to into the diary."""
    from datetime import datetime

    from gluteemg.catalogue import add_to_diary
    from gluteemg.report.practice import entry_of

    if analysis.practice is not None:
        began = datetime.fromisoformat(analysis.started).astimezone()
        add_to_diary(entry_of(analysis.practice, began, stage=stage))


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
