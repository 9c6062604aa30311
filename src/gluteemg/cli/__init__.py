"""The command line. What is slow to import is imported by the command that needs it."""

from __future__ import annotations

import logging
import signal
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gluteemg.cli import exercises, profiles, programme
from gluteemg.cli.calibrate import calibrate
from gluteemg.cli.language import Language, language_of
from gluteemg.cli.live import ExerciseName, Headless, Seconds, WithSound, has_screen, kept, live, tell
from gluteemg.cli.output import Json, print_json
from gluteemg.cli.train import train
from gluteemg.cli.worn import (
    CalibrationFile,
    Find,
    Profiles,
    ProtocolName,
    Roles,
    Virtual,
    Worn,
    demo_of,
    pair,
    protocol_of,
    role_of,
    texts_for,
)
from gluteemg.errors import DefinitionError, GluteemgError, RoleError

if TYPE_CHECKING:
    from gluteemg.coaching.exercise import Exercise
    from gluteemg.recording.file import Recording

app = typer.Typer(
    name="gluteemg",
    help="See which muscle does the work, glutes or hamstrings, while you move. Shows relative muscle activity, for practice.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(profiles.app, name="profiles")
app.add_typer(exercises.app, name="exercises")
app.add_typer(programme.app, name="programme")
app.command()(calibrate)
app.command()(train)

COACHED_S = 0.1
"""How often the coach of a replayed plan looks up (chosen: a live one does every 50 ms or so)."""
DEMO_SECONDS = 20.0
"""How long the demo runs without a window: rest, references and three repetitions."""


def main() -> None:
    """Run the command line; an error of ours is one line, and exit code 1."""
    for name in ("SIGTERM", "SIGHUP"):  # end as Ctrl-C does: everything is kept and closed
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except GluteemgError as error:
        if logging.getLogger().isEnabledFor(logging.DEBUG):
            raise
        typer.echo(f"gluteemg: {error}", err=True)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from, and log what happens.")] = False,
    language: Language = None,
) -> None:
    """Without a command, open the dashboard with virtual sensors."""
    if debug:
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(name)s: %(message)s")
        for chatty in ("bumble", "asyncio", "dbus_fast"):
            logging.getLogger(chatty).setLevel(logging.INFO)
    if version:
        from importlib.metadata import version as version_of

        typer.echo(version_of("gluteemg"))
        return
    if language is not None:
        language_of(context)  # refuses what nobody speaks, before anything begins
    if context.invoked_subcommand is None:
        demo(context)


@app.command()
def demo(
    context: typer.Context,
    scenario: Annotated[str, typer.Option(help="hamstring-led, shared or glute-led.")] = "hamstring-led",
    seconds: Seconds = None,
    record: Annotated[Path | None, typer.Option(help="Keep the session in this .emg file.")] = None,
    headless: Headless = False,
    sound: WithSound = None,
    as_json: Json = False,
    exercise: ExerciseName = "bridge",
    calibration: CalibrationFile = None,
    seed: Annotated[int, typer.Option(help="Another seed, another person.")] = 0,
) -> None:
    """Try everything without hardware: a simulated person wears three virtual sensors."""
    from gluteemg.catalogue import load_advice, load_calibration, load_exercise, load_protocol
    from gluteemg.coaching.coach import practice_of
    from gluteemg.demo import Demo
    from gluteemg.session import units_of

    simulated, practised = Demo(scenario, seed), load_exercise(exercise)
    headless = headless or not has_screen()
    protocol = load_protocol("demo") if calibration is None else None
    units = units_of(simulated.source.profiles, simulated.placements)
    texts = texts_for([practised], [protocol] if protocol else (), language=language_of(context))
    with kept(record) as path:
        live(
            simulated.source,
            simulated.placements,
            practice_of(practised, load_advice(texts.language), protocol, units=units),
            texts,
            path,
            exercises={practised.id: practised},
            calibration=None if calibration is None else load_calibration(calibration),
            seconds=seconds or (DEMO_SECONDS if headless else None),
            headless=headless,
            sound=not headless if sound is None else sound,
        )
        tell(path, practised, texts, as_json=as_json, truth=simulated.truth, name=record)


@app.command()
def scan(
    seconds: Annotated[float, typer.Option(min=0.5, help="How long to look.")] = 5.0,
    as_json: Json = False,
    virtual: Virtual = None,
) -> None:
    """List the Bluetooth sensors that are near and switched on."""
    import asyncio
    from dataclasses import asdict

    from gluteemg.catalogue import load_profiles
    from gluteemg.sensors import ble

    radio = None if virtual is None else demo_of(virtual).radio
    found = asyncio.run(ble.scan(load_profiles(), seconds=seconds, radio=radio))
    if as_json:
        print_json([asdict(f) for f in found])
        return
    names = [f.name for f in found]
    for f in found:
        name = f.name if names.count(f.name) == 1 else f"{f.name}@{f.address}"
        what = "not a kind we know" if f.profile is None else f"{f.profile}, {f.signal}, {f.hardware} on hardware"
        typer.echo(f"{name:<24} {f.rssi:>4} dBm  {what}")
    if not any(f.profile for f in found):
        typer.echo("No sensor that gluteemg knows: switch one on and bring it near, or try `gluteemg demo`.", err=True)


@app.command()
def record(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The new .emg file.")],
    role: Roles,
    profile: Profiles = None,
    exercise: ExerciseName = "bridge",
    calibration: CalibrationFile = None,
    protocol: ProtocolName = None,
    seconds: Seconds = None,
    find: Find = 10.0,
    headless: Headless = False,
    sound: WithSound = None,
    as_json: Json = False,
    virtual: Virtual = None,
) -> None:
    """Record a session: connect, take floor and references, then train; everything is kept in one file."""
    from gluteemg.catalogue import load_advice, load_calibration, load_exercise, save_last_calibration
    from gluteemg.coaching.coach import practice_of
    from gluteemg.session import units_of

    worn, practised = Worn.of(role, profile, virtual=virtual, find_s=find), load_exercise(exercise)
    followed = protocol_of(protocol, virtual=virtual is not None) if calibration is None else None
    texts = texts_for([practised], [followed] if followed else (), language=language_of(context))
    taken = live(
        worn.source,
        worn.placements,
        practice_of(practised, load_advice(texts.language), followed, units=units_of(worn.source.profiles, worn.placements)),
        texts,
        path,
        exercises={practised.id: practised},
        calibration=None if calibration is None else load_calibration(calibration),
        seconds=seconds,
        headless=headless or not has_screen(),
        sound=virtual is None if sound is None else sound,
    )
    tell(path, practised, texts, as_json=as_json)
    if calibration is None and virtual is None and taken is not None and taken.method is not None:
        save_last_calibration(taken)


@app.command()
def replay(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A .emg file.")],
    speed: Annotated[
        float | None,
        typer.Option(min=0.1, max=1000, help="How many times as fast as it was; without a window as fast as can be."),
    ] = None,
    headless: Headless = False,
    as_json: Json = False,
    calibration: CalibrationFile = None,
) -> None:
    """Take a recorded session through exactly the same path again."""
    from gluteemg.catalogue import load_advice, load_calibration, load_safety
    from gluteemg.coaching.coach import lead_again, practice_of
    from gluteemg.console import Teller, follow
    from gluteemg.recording.replay import ReplaySource
    from gluteemg.session import Session

    recording, exercise = _open(path)
    other = None if calibration is None else load_calibration(calibration)
    texts, placements = texts_for([exercise], language=language_of(context)), recording.placements
    planned = recording.told("plan")
    coach = (
        lead_again(planned[0], load_advice(texts.language), load_safety())
        if planned
        else practice_of(exercise, load_advice(texts.language))
    )
    if headless or not has_screen():
        source = ReplaySource(recording, speed=speed, calibration=other, block_s=COACHED_S if planned else 20.0)
        with Session(source, placements, coach, replay=True, watchers=[Teller(texts).tell]) as session:
            follow(session)
    else:
        from gluteemg.ui.dashboard import show

        source = ReplaySource(recording, speed=speed or 1.0, calibration=other)
        show(
            source,
            placements,
            {exercise.id: exercise},
            texts,
            lambda keep: Session(source, placements, coach, replay=True, listeners=[keep]),
            replay=True,
        )
    tell(path, exercise, texts, as_json=as_json, calibration=other)


@app.command()
def analyse(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A .emg file.")],
    as_json: Json = False,
    exercise: Annotated[str | None, typer.Option(help="Judge by another exercise than the recorded one.")] = None,
    calibration: CalibrationFile = None,
) -> None:
    """Say what a recording shows: repetitions, shares, bursts, signal quality."""
    from gluteemg.catalogue import load_calibration, load_exercise

    recording, own = _open(path)
    chosen = own if exercise is None else load_exercise(exercise)
    other = None if calibration is None else load_calibration(calibration)
    texts = texts_for([chosen], language=language_of(context))
    tell(recording.path, chosen, texts, as_json=as_json, calibration=other)


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="A CSV file: time_s and one column for each muscle.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The new .emg file.")],
    channel: Annotated[list[str], typer.Option(help="COLUMN=MUSCLE:SIDE. Once for each column to take.")],
    unit: Annotated[str | None, typer.Option(help="uV, mV or V, for columns whose name does not end in it.")] = None,
    as_json: Json = False,
) -> None:
    """Turn a table of EMG into a recording."""
    from gluteemg.recording.importing import import_csv

    pairs = [pair(text, "COLUMN=MUSCLE:SIDE") for text in channel]
    if twice := sorted({column for column, _ in pairs if [c for c, _ in pairs].count(column) > 1}):
        raise RoleError(f"{', '.join(twice)} is given two roles: give each column one.")
    imported = import_csv(path, output, {column: role_of(role) for column, role in pairs}, unit=unit)
    if as_json:
        print_json(
            {
                "recording": str(imported.path),
                "columns": {c: str(r) for c, r in imported.columns.items()},
                "left_out": list(imported.left_out),
                "rate_hz": imported.rate_hz,
                "duration_s": imported.duration_s,
                "samples": imported.samples,
                "gaps": imported.gaps,
                "missing": dict(imported.missing),
            }
        )
        return
    typer.echo(f"{imported.path}: {imported.duration_s:.1f} s at {imported.rate_hz:g} Hz, {len(imported.columns)} muscles.")
    if imported.left_out:
        typer.echo(f"Left out: {', '.join(imported.left_out)}.")
    if imported.gaps or any(imported.missing.values()):
        holes = ", ".join(f"{c} {n}" for c, n in imported.missing.items() if n) or "none"
        typer.echo(f"Gaps in time: {imported.gaps}. Missing samples: {holes}.")


@app.command("sys-info")
def sys_info(as_json: Json = False) -> None:
    """Say what this computer has: the first thing to put into a report of a problem."""
    from gluteemg.system import survey

    facts = survey()
    if as_json:
        print_json(facts)
        return
    for name, fact in facts.items():
        typer.echo(f"{name:<22} {fact}")


def _open(path: Path) -> tuple[Recording, Exercise]:
    """Open a recording with the exercise that it holds."""
    from gluteemg.catalogue import load_exercise
    from gluteemg.coaching.exercise import Exercise
    from gluteemg.recording.file import Recording

    recording = Recording.open(path)
    if recording.recovered is not None:
        typer.echo(recording.recovered, err=True)
    text = recording.exercise_toml
    if text is None:
        return recording, load_exercise("bridge")
    try:
        return recording, Exercise.parse(text, f"The exercise in {path}")
    except DefinitionError as error:  # one of another version
        today = load_exercise(str(tomllib.loads(text).get("id", "bridge")))
        typer.echo(f"{error} It is judged by the {today.id} of today.", err=True)
        return recording, today
