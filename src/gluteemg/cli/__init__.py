"""The command line. What is slow to import is imported by the command that needs it."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gluteemg.cli import profiles
from gluteemg.cli.calibrate import calibrate
from gluteemg.cli.output import Json, print_json
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
from gluteemg.errors import GluteemgError, RoleError

if TYPE_CHECKING:
    from gluteemg.activation.calibration import Calibration
    from gluteemg.activation.protocol import Protocol
    from gluteemg.coaching.exercise import Exercise
    from gluteemg.muscles import Placement
    from gluteemg.recording.file import Recording
    from gluteemg.sensors.source import Source
    from gluteemg.session import Session

app = typer.Typer(
    name="gluteemg",
    help="See which muscle does the work, glutes or hamstrings, while you move. Shows relative muscle activity, for practice.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(profiles.app, name="profiles")
app.command()(calibrate)

Headless = Annotated[bool, typer.Option("--headless", help="Open no window; tell what happens line by line.")]
Seconds = Annotated[float | None, typer.Option(min=1, max=86_400, help="Stop after so many seconds of data.")]
ExerciseName = Annotated[str, typer.Option("--exercise", help="Exercise by its id, or a TOML file.")]

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
) -> None:
    """Without a command, open the dashboard with virtual sensors."""
    if debug:
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(name)s: %(message)s")
        for chatty in ("bumble", "asyncio", "dbus_fast"):
            logging.getLogger(chatty).setLevel(logging.INFO)
    if version:
        from importlib.metadata import version as version_of

        typer.echo(version_of("gluteemg"))
    elif context.invoked_subcommand is None:
        demo()


@app.command()
def demo(
    scenario: Annotated[str, typer.Option(help="hamstring-led, shared or glute-led.")] = "hamstring-led",
    seconds: Seconds = None,
    record: Annotated[Path | None, typer.Option(help="Keep the session in this .emg file.")] = None,
    headless: Headless = False,
    as_json: Json = False,
    exercise: ExerciseName = "bridge",
    calibration: CalibrationFile = None,
    seed: Annotated[int, typer.Option(help="Another seed, another person.")] = 0,
) -> None:
    """Try everything without hardware: a simulated person wears three virtual sensors."""
    from gluteemg.catalogue import load_calibration, load_exercise, load_protocol
    from gluteemg.demo import Demo

    simulated, practised = Demo(scenario, seed), load_exercise(exercise)
    headless = headless or not _has_screen()
    with _kept(record) as path:
        _live(
            simulated.source,
            simulated.placements,
            practised,
            path,
            calibration=None if calibration is None else load_calibration(calibration),
            protocol=load_protocol("demo") if calibration is None else None,
            seconds=seconds or (DEMO_SECONDS if headless else None),
            headless=headless,
        )
        _tell(path, practised, as_json=as_json, truth=simulated.truth, name=record)


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
    path: Annotated[Path, typer.Argument(help="The new .emg file.")],
    role: Roles,
    profile: Profiles = None,
    exercise: ExerciseName = "bridge",
    calibration: CalibrationFile = None,
    protocol: ProtocolName = None,
    seconds: Seconds = None,
    find: Find = 10.0,
    headless: Headless = False,
    as_json: Json = False,
    virtual: Virtual = None,
) -> None:
    """Record a session: connect, take floor and references, then train; everything is kept in one file."""
    from gluteemg.catalogue import load_calibration, load_exercise, save_last_calibration

    worn, practised = Worn.of(role, profile, virtual=virtual, find_s=find), load_exercise(exercise)
    taken = _live(
        worn.source,
        worn.placements,
        practised,
        path,
        calibration=None if calibration is None else load_calibration(calibration),
        protocol=protocol_of(protocol, virtual=virtual is not None) if calibration is None else None,
        seconds=seconds,
        headless=headless or not _has_screen(),
    )
    _tell(path, practised, as_json=as_json)
    if calibration is None and virtual is None and taken is not None and taken.method is not None:
        save_last_calibration(taken)


@app.command()
def replay(
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
    from gluteemg.catalogue import load_calibration
    from gluteemg.console import follow
    from gluteemg.recording.replay import ReplaySource
    from gluteemg.session import Session

    recording, exercise = _open(path)
    other = None if calibration is None else load_calibration(calibration)
    texts, placements = texts_for(exercise), recording.placements
    if headless or not _has_screen():
        source = ReplaySource(recording, speed=speed, calibration=other)
        with Session(source, placements, exercise=exercise) as session:
            follow(session, texts)
    else:
        from gluteemg.ui.dashboard import show

        source = ReplaySource(recording, speed=speed or 1.0, calibration=other)
        show(
            source,
            placements,
            exercise,
            texts,
            lambda keep: Session(source, placements, exercise=exercise, listeners=[keep]),
            replay=True,
        )
    _tell(path, exercise, as_json=as_json, calibration=other)


@app.command()
def analyse(
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
    _tell(recording.path, chosen, as_json=as_json, calibration=other)


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


def _live(
    source: Source,
    placements: tuple[Placement, ...],
    exercise: Exercise,
    path: Path,
    *,
    headless: bool,
    seconds: float | None,
    calibration: Calibration | None,
    protocol: Protocol | None,
) -> Calibration | None:
    """Run a session that is recorded, in a window or on the terminal; give the calibration that it ended with."""
    from gluteemg.errors import RecordingError
    from gluteemg.recording.file import Recorder
    from gluteemg.session import Listener, Session

    texts = texts_for(exercise, protocol)
    opened: list[Session] = []

    def open_session(*listeners: Listener) -> Session:
        recorder = Recorder(path, source.profiles, placements, exercise_toml=exercise.toml)
        session = Session(
            source,
            placements,
            exercise=exercise,
            calibration=calibration,
            protocol=protocol,
            recorder=recorder,
            seconds=seconds,
            listeners=listeners,
        )
        opened.append(session)
        return session

    if headless:
        from gluteemg.console import follow

        with open_session() as session:
            follow(session, texts)
    else:
        from gluteemg.ui.dashboard import show

        show(source, placements, exercise, texts, open_session)
    if not path.exists():
        raise RecordingError("Nothing was recorded: it was stopped before a sensor sent anything.")
    return opened[0].calibration


def _tell(
    path: Path,
    exercise: Exercise,
    *,
    as_json: bool,
    calibration: Calibration | None = None,
    truth: dict[str, Any] | None = None,
    name: Path | None = None,
) -> None:
    """Analyse a recording and print what it says."""
    from gluteemg.console import describe
    from gluteemg.recording.file import Recording
    from gluteemg.report.analysis import analyse
    from gluteemg.report.document import Truth

    analysis = analyse(Recording.open(path), exercise, calibration)
    if truth is not None:
        analysis = analysis.model_copy(update={"truth": Truth(**truth), "recording": str(name) if name else "demo"})
    typer.echo(analysis.model_dump_json(indent=2) if as_json else describe(analysis, texts_for(exercise)))


@contextmanager
def _kept(path: Path | None) -> Iterator[Path]:
    """Give the path to record to: the one that was asked for, or one that is gone afterwards."""
    if path is not None:
        yield path
        return
    with TemporaryDirectory(prefix="gluteemg-") as folder:
        yield Path(folder) / "demo.emg"


def _open(path: Path) -> tuple[Recording, Exercise]:
    """Open a recording with the exercise that it holds."""
    from gluteemg.catalogue import load_exercise
    from gluteemg.coaching.exercise import Exercise
    from gluteemg.recording.file import Recording

    recording = Recording.open(path)
    if recording.recovered is not None:
        typer.echo(recording.recovered, err=True)
    text = recording.exercise_toml
    return recording, load_exercise("bridge") if text is None else Exercise.parse(text, f"The exercise in {path}")


def _has_screen() -> bool:
    """Tell whether a window can be opened; say so if not."""
    try:
        from gluteemg.ui.dashboard import why_no_screen
    except ImportError as error:
        why: str | None = f"The window needs PySide6 ({error}; `pip install gluteemg[gui]` brings it)"
    else:
        why = why_no_screen()
    if why is not None:
        typer.echo(f"{why}: going on without a window.", err=True)
    return why is None
