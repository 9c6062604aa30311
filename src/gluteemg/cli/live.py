"""What commands that run a session have in common: with a window or without, recorded, and told at the end."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gluteemg.activation.calibration import Calibration
    from gluteemg.activation.ratio import Zone
    from gluteemg.coaching.coach import Coach
    from gluteemg.coaching.exercise import Exercise
    from gluteemg.coaching.texts import Texts
    from gluteemg.muscles import Muscle, Placement
    from gluteemg.report.document import Analysis
    from gluteemg.sensors.source import Event, Source
    from gluteemg.session import Moment, Session, Watcher
    from gluteemg.sound.sound import Sound

Headless = Annotated[bool, typer.Option("--headless", help="Open no window; tell what happens line by line.")]
WithSound = Annotated[
    bool | None,
    typer.Option("--sound/--no-sound", help="A tone, signs and a voice; on, but for simulated people without a window."),
]
Seconds = Annotated[float | None, typer.Option(min=1, max=86_400, help="Stop after so many seconds of data.")]
ExerciseName = Annotated[str, typer.Option("--exercise", help="Exercise by its id, or a TOML file.")]


def live(
    source: Source,
    placements: tuple[Placement, ...],
    coach: Coach,
    texts: Texts,
    path: Path,
    *,
    exercises: Mapping[str, Exercise],
    opening: Sequence[Event] = (),
    calibration: Calibration | None = None,
    seconds: float | None = None,
    headless: bool,
    sound: bool = False,
    watchers: Sequence[Watcher] = (),
    look: Callable[[Session], None] = lambda _: None,
) -> Calibration | None:
    """Run a session that is recorded, in a window or on the terminal; give the calibration that it ended with.

    `exercises` are those that may come, by id, the first one first; `look` answers what is asked where there is no window.
    """
    from gluteemg.console import Teller, follow
    from gluteemg.errors import RecordingError
    from gluteemg.recording.file import Recorder
    from gluteemg.session import Listener, Session

    opened: list[Session] = []
    first = next(iter(exercises.values()))
    heard = ExitStack()
    sounding = heard.enter_context(_sound(texts)) if sound else None

    def hear(moment: Moment) -> None:
        if sounding is not None:
            sounding.hear(moment.cue, moment.frame, *_judged(exercises.get(moment.cue.exercise or "", first), moment))
            for notice in sounding.notices:
                opened[0].notice(notice, notice)

    def open_session(*listeners: Listener) -> Session:
        session = Session(
            source,
            placements,
            coach,
            opening=opening,
            calibration=calibration,
            recorder=Recorder(path, source.profiles, placements, exercise_toml=first.toml),
            seconds=seconds,
            listeners=listeners,
            watchers=[hear, *watchers, Teller(texts).tell] if headless else [hear, *watchers],
        )
        opened.append(session)
        return session

    with heard:
        if headless:
            with open_session() as session:
                follow(session, look)
        else:
            from gluteemg.ui.dashboard import show

            show(source, placements, exercises, texts, open_session)
    if not path.exists():
        raise RecordingError("Nothing was recorded: it was stopped before a sensor sent anything.")
    return opened[0].calibration


def _sound(texts: Texts) -> Sound:
    from gluteemg.sound.sound import Sound
    from gluteemg.sound.speaker import Speaker
    from gluteemg.sound.voice import Voice

    return Sound(texts, Speaker(), Voice(texts.language))


def _judged(exercise: Exercise, moment: Moment) -> tuple[Zone | None, Muscle, float | None]:
    """Give what the tone follows: the zone where a share can be judged, else the target and its floor."""
    from gluteemg.activation.ratio import Zone
    from gluteemg.muscles import HAMSTRINGS

    muscles = {role.muscle for role in moment.sensors}
    shared = exercise.share_band is not None and "gluteus_maximus" in muscles and bool(HAMSTRINGS & muscles)
    zone = Zone(*exercise.share_band) if shared and exercise.share_band else None
    floor = None if exercise.floor is None else exercise.floor.of(moment.unit)
    return zone, exercise.target[0], floor


def analysed(path: Path, exercise: Exercise, calibration: Calibration | None = None) -> Analysis:
    """Analyse a recording without looking for garbage in circles: there is hardly any, and that took a sixth of the time."""
    from gluteemg.recording.file import Recording
    from gluteemg.report.analysis import analyse

    gc.disable()
    try:
        return analyse(Recording.open(path), exercise, calibration)
    finally:
        gc.enable()


def tell(
    path: Path,
    exercise: Exercise,
    texts: Texts,
    *,
    as_json: bool,
    calibration: Calibration | None = None,
    truth: dict[str, Any] | None = None,
    name: Path | None = None,
) -> None:
    """Analyse a recording and print what it says."""
    from gluteemg.console import describe
    from gluteemg.report.document import Truth

    analysis = analysed(path, exercise, calibration)
    if truth is not None:
        analysis = analysis.model_copy(update={"truth": Truth(**truth), "recording": str(name) if name else "demo"})
    typer.echo(analysis.model_dump_json(indent=2) if as_json else describe(analysis, texts))


@contextmanager
def kept(path: Path | None) -> Iterator[Path]:
    """Give the path to record to: the one that was asked for, or one that is gone afterwards."""
    if path is not None:
        yield path
        return
    with TemporaryDirectory(prefix="gluteemg-") as folder:
        yield Path(folder) / "demo.emg"


def has_screen() -> bool:
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
