"""``gluteemg programme``: where a person is in their weeks of practice, and what helps most next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gluteemg.cli.language import language_of
from gluteemg.cli.output import Json, print_json

if TYPE_CHECKING:
    from datetime import date

    from gluteemg.coaching.gate import Standing
    from gluteemg.coaching.texts import Texts

app = typer.Typer(help="Where you are in your weeks of practice, and what helps most next.", invoke_without_command=True)
Name = Annotated[str, typer.Option("--programme", help="A programme by its id, or a TOML file.")]


@app.callback()
def show(context: typer.Context, programme: Name = "glute_return", as_json: Json = False) -> None:
    """Say which stage you are at, what its gate asks, what is harder by now, and which day suits."""
    from datetime import datetime

    from gluteemg.catalogue import load_diary, load_programme
    from gluteemg.cli.worn import texts_for
    from gluteemg.coaching.gate import standing
    from gluteemg.coaching.week import days_ahead, weeks

    if context.invoked_subcommand is not None:
        return
    today, followed, entries = datetime.now().astimezone().date(), load_programme(programme), load_diary().entries
    now = standing(followed, entries, today)
    this_week = next(reversed(weeks(followed, entries, today)), None)
    ahead, rungs = days_ahead(now.stage, entries, today), followed.rungs(now.stage, entries, today)
    if as_json:
        done = None if this_week is None else {"days": this_week.done, "planned": this_week.planned}
        harder = {exercise: rung.id for exercise, rung in rungs.items()}
        print_json({**_document(now), "rungs": harder, "week": done, "next_day": ahead[0].isoformat() if ahead else None})
        return
    texts = texts_for(language=language_of(context))
    lines = [*_about_gate(now, len(followed.stages) - 1, texts), ""]
    lines += [texts.words("calendar.harder", exercise=exercise, ladder=rung.id) for exercise, rung in rungs.items()]
    if this_week is not None:
        lines.append(texts.words("calendar.week", days=this_week.done, planned=this_week.planned))
    lines.append(_about_days(ahead, today, texts))
    typer.echo("\n".join(lines))


@app.command()
def override(
    context: typer.Context,
    why: Annotated[str, typer.Option(help="In your own words.")],
    who: Annotated[Literal["person", "physio"], typer.Option(help="Whose decision it is: person or physio.")] = "person",
    programme: Name = "glute_return",
) -> None:
    """Go on to the next stage although its gate says not yet: your good right, and kept in the diary."""
    from datetime import datetime

    from gluteemg.catalogue import add_to_diary, load_diary, load_programme
    from gluteemg.cli.worn import texts_for
    from gluteemg.coaching.diary import Entry, Override
    from gluteemg.coaching.gate import standing
    from gluteemg.errors import GluteemgError

    followed = load_programme(programme)
    now = standing(followed, load_diary().entries, datetime.now().astimezone().date())
    if now.stage.gate is None or now.stage.number == 0:
        what = "asks what is safe: answer its questions with `gluteemg train`" if now.stage.gate else "is the last one"
        raise GluteemgError(f"The stage {now.stage.id} cannot be left like that: it {what}.")
    kept = Override(who=who, what=now.stage.id, why=why)
    add_to_diary(Entry(at=datetime.now().astimezone(), stage=now.stage.number, overrides=(kept,)))
    typer.echo(texts_for(language=language_of(context)).words(f"gate.overridden_{who}"))


def _document(now: Standing) -> dict[str, Any]:
    asked = [{"id": c.id, "met": c.met, "have": c.have, "need": c.need, "known": c.known} for c in now.conditions]
    step = now.next_step
    who = None if now.override is None else now.override.who
    return {
        "stage": now.stage.number,
        "id": now.stage.id,
        "open": now.open,
        "overridden_by": who,
        "conditions": asked,
        "next_step": None if step is None else step.id.partition(".")[2],
    }


def _about_gate(now: Standing, last: int, texts: Texts) -> list[str]:
    where = texts.words("calendar.where", stage=now.stage.id, number=now.stage.number, last=last)
    met = sum(condition.met for condition in now.conditions)
    lines = [where, ""]
    lines += [f"  {'✓' if condition.met else '·'} {texts.say(condition.message)}" for condition in now.conditions]
    if now.override is not None:
        lines += ["", texts.words(f"gate.overridden_{now.override.who}")]
    elif now.stage.gate is not None:
        lines += ["", texts.words("gate.open" if now.open else "gate.not_yet", met=met, asked=len(now.conditions))]
    if now.next_step is not None:
        lines.append(texts.say(now.next_step))
    return lines


def _about_days(ahead: tuple[date, ...], today: date, texts: Texts) -> str:
    if not ahead:
        return texts.words("calendar.none_yet")
    return texts.words("calendar.today") if ahead[0] == today else texts.words("calendar.next_day", day=ahead[0].isoformat())
