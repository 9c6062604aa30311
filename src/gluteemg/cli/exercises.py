"""``gluteemg exercises``: what can be practised, what each asks for, and how a physiotherapist adds one."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gluteemg.cli.language import language_of
from gluteemg.cli.output import Json, print_json
from gluteemg.errors import DefinitionError, GluteemgError

if TYPE_CHECKING:
    from gluteemg.coaching.exercise import Exercise
    from gluteemg.coaching.texts import Texts

app = typer.Typer(help="Exercises that gluteemg knows, and how to add one.")

_WIDTH = 110  # of a line of `show` (chosen: two thirds of a wide screen)
_INDENT = 12
_MODEL = "bridge"  # what a new exercise begins as

Name = Annotated[str, typer.Argument(metavar="EXERCISE", help="Its id, or the path of a .toml file.")]


@app.callback(invoke_without_command=True)
def exercises(context: typer.Context, as_json: Json = False) -> None:
    """List the exercises that gluteemg knows."""
    context.obj = as_json
    if context.invoked_subcommand is None:
        list_exercises(context, as_json)


@app.command("list")
def list_exercises(context: typer.Context, as_json: Json = False) -> None:
    """List the exercises by stage, with what works, how much of it, and by what it is judged."""
    from gluteemg.catalogue import load_exercises, load_texts
    from gluteemg.cli import told
    from gluteemg.console import table

    texts = load_texts(language_of(context))
    known = sorted(load_exercises(), key=lambda e: (e.stage, e.id))
    if as_json or context.obj:
        print_json([_document(e, texts) for e in known])
        return
    rows = [told.heads(texts), *(told.row(e, texts) for e in known)]
    typer.echo("\n".join(table(rows, "<" * len(rows[0]))))


@app.command()
def show(context: typer.Context, exercise: Name, as_json: Json = False) -> None:
    """Say all about one exercise: phases, dose, floor and zone, changes that may help, evidence, when to stop."""
    from gluteemg.catalogue import load_exercise, load_texts
    from gluteemg.cli import told

    shown, texts = load_exercise(exercise), load_texts(language_of(context))
    if as_json or context.obj:
        print_json(_document(shown, texts))
        return
    typer.echo(told.title(shown, texts))
    for label, text in told.paragraphs(shown, texts):
        typer.echo(_paragraph(label, text))


@app.command()
def check(
    context: typer.Context,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[EXERCISE]…", help="Ids, or paths of .toml files; all exercises, if none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say everything that is wrong with exercises: their files, and words that are missing."""
    from gluteemg.catalogue import load_texts, names

    texts = load_texts(language_of(context))
    checked = {name: _objections(name, texts) for name in files or names("exercises")}
    if as_json or context.obj:
        print_json([{"exercise": n, "faults": faults, "remarks": remarks} for n, (faults, remarks) in checked.items()])
    else:
        for name, (faults, remarks) in checked.items():
            lines = [*(f"fault: {fault}" for fault in faults), *(f"remark: {remark}" for remark in remarks)]
            typer.echo("\n".join(f"{name}: {line}" for line in lines or ["in order"]))
    if count := sum(len(faults) for faults, _ in checked.values()):
        raise GluteemgError(f"{count} fault{'s' if count > 1 else ''} found: mend what is listed, then check again.")


@app.command()
def new(
    context: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="What to call the file: small letters, digits and underscores.")],
    name: Annotated[str | None, typer.Option(help="What the person reads and hears. Default: made from the id.")] = None,
) -> None:
    """Begin an exercise of your own, with notes at every line, and the words that it needs."""
    from gluteemg.catalogue import load_texts, names, user_folder

    if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", id_):
        raise typer.BadParameter(f"{id_!r}: an id has small letters, digits and underscores, such as my_bridge")
    if id_ in names("exercises"):
        raise DefinitionError(f"There is an exercise {id_} already: choose another id.")
    texts, folder = load_texts(language_of(context)), user_folder()
    target, words = folder / "exercises" / f"{id_}.toml", folder / "texts" / f"{texts.language}.toml"
    try:
        wording = words.read_text(encoding="utf-8") if words.is_file() else ""
        for table, entry in (("exercise", name or id_.replace("_", " ").capitalize()), ("setup", texts.setup[_MODEL])):
            if texts.lacks([f"{table}.{id_}"]):
                wording = _with_entry(wording, table, id_, entry)
        texts.extended(wording, str(words))  # refuses what would not be read again
        for file, text in ((target, _TEMPLATE.replace("ID", id_)), (words, wording)):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{id_} cannot be begun in {folder} ({error}): check that folder.") from error
    typer.echo(f"{target} is begun: change what differs. It is found by its id from now on.")
    typer.echo(f"Its words stand in {words}: under [exercise] its name, under [setup] how to get into position.")
    typer.echo(f"Then: gluteemg exercises check {id_}, and gluteemg exercises show {id_}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of exercises, for editors that check TOML while one types."""
    from gluteemg.coaching.exercise import Exercise

    print_json(Exercise.model_json_schema())


def _objections(name: str, texts: Texts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name what is wrong with an exercise, and what a careful writer would add."""
    from gluteemg.catalogue import load_exercise, user_folder

    try:
        exercise = load_exercise(name)
    except DefinitionError as error:
        return error.faults or (str(error),), ()
    faults, remarks, own = [], [], user_folder() / "texts" / f"{texts.language}.toml"
    if missing := texts.lacks(exercise.text_ids):
        faults.append(f"there are no words for {', '.join(missing)}: write them into {own}")
    called = Path(name).stem if name.endswith(".toml") else name
    if called != exercise.id:
        faults.append(f"id is {exercise.id}, the file is called {called}: it is found by one name only")
    if exercise.id != _MODEL and texts.setup.get(exercise.id) == texts.setup[_MODEL]:
        remarks.append(
            f"setup.{exercise.id} still says how to get into the {_MODEL}: if yours differs, write your own words into {own}"
        )
    if exercise.share_band is not None and not any("low_share" in variant.helps for variant in exercise.variants):
        remarks.append("no variant helps with low_share: when the hamstrings lead, there is no change of the set-up to offer")
    return tuple(faults), tuple(remarks)


def _document(exercise: Exercise, texts: Texts) -> dict[str, Any]:
    """Give an exercise as it is read, with its words by id."""
    there = [id for id in exercise.text_ids if not texts.lacks([id])]
    said = {id: texts.words(id) for id in there}
    return {**exercise.model_dump(mode="json"), "words": said}


def _paragraph(label: str, text: str) -> str:
    """Set a text beside its label; further lines stand a little deeper."""
    first, further = f"{label:<{_INDENT}}", " " * (_INDENT + 2)
    return textwrap.fill(text, _WIDTH, initial_indent=first, subsequent_indent=further) if text else ""


def _with_entry(toml: str, table: str, key: str, words: str) -> str:
    """Put one line into a table of a TOML text, and the table at its end if it has none."""
    line = f"{key} = {json.dumps(words, ensure_ascii=False)}\n"
    head = re.search(rf"^\[{table}\][^\n]*\n?", toml, re.MULTILINE)
    if head is None:
        return f"{toml.rstrip()}\n\n[{table}]\n{line}".lstrip()
    return f"{toml[: head.end()].rstrip()}\n{line}{toml[head.end() :]}"


_TEMPLATE = """\
# ID: an exercise of your own, begun as a bridge. What stands after a # is a note.
# Words are written by id and stand in texts/: all that the other exercises use is there already.
id = "ID"
stage = 2                      # 1 find and relax, 2 activate, 3 intermediate, 4 loaded
posture = "supine"             # supine, prone, side_lying, all_fours, side_plank, standing or seated
side_mode = "both"             # both at once; one: one side a set; alternating: left and right in turn
target = ["gluteus_maximus"]   # what is to do the work; the floor is that of the first
watch = ["hamstrings"]         # what is likely to do it instead
requires = ["gluteus_maximus", "hamstrings"]   # what must be worn for all that is judged …
degrades_to = ["gluteus_maximus"]              # … and what is enough for a part; empty: then it goes by time
share_band = [0.8, 1.3]        # R = glutes / hamstrings, low and high; only for hip extension, else leave the line out
channel = "tone"               # what can be followed in this posture: screen, tone or voice
equipment = ["mat"]            # [equipment] in texts/
contraindications = ["no_clearance", "lying_on_back"]   # [contraindication]: leave it out if …
stop = "back"                  # [stop]: when to stop

[floor]                        # least activation that counts as working: a fraction of MVIC, or of a sub-maximal reference
mvic = 0.20
ref = 0.40

[[phases]]                     # one part of a repetition, in order; [phase] and [then] have its name
id = "lift"
tempo_s = 2
breath = "out"                 # in, out or free; out on effort
cue = "squeeze_lift"           # [cue]: what is said, at most nine words; may be left out

[[phases]]
id = "hold"
tempo_s = 1
breath = "free"

[[phases]]
id = "lower"
tempo_s = 3
breath = "in"
cue = "lower_slowly"

[dose]
sets = { least = 1, most = 2 }
reps = { least = 8, most = 12 }   # of each side, where sides take turns or one works
rest_s = 60                    # between sets
# hold_s = 10                  # a last hold after the repetitions of a set

[[variants]]                   # one change of the set-up that may help; [advice] and [why] have its words
id = "heels_close"
helps = ["low_share", "under_zone", "take_over", "cramp"]   # no_floor, one_sided, early_fatigue, too_fast, not_letting_go
expect = "Knee at 135° instead of 90°: hamstrings 75 → 24 %MVIC (single-leg bridge)"   # which number it moves, which way
source = "Lehecka 2017 Int J Sports Phys Ther 12:543"   # or "chosen: …" with the reason

# [[evidence]]                 # what has been measured, with its limits; one table a figure
# source = "Author year Journal volume:page"
# n = 20
# population = "whom"
# condition = "doing what"
# muscle = "gluteus_maximus"
# mean = 25
# sd = 14
# status = "read"              # or: unverified
"""
