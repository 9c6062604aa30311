"""Write ``docs/sessions/``: each source's plan gone through by a simulated person, as they would live it.

``.venv/bin/python scripts/write_transcripts.py [plan …]``. They come out the same every time: everything follows from the seed.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gluteemg.catalogue import load_advice, load_exercise, load_plan, load_protocol, load_safety, load_texts
from gluteemg.coaching.coach import lead
from gluteemg.coaching.cue import Cue
from gluteemg.coaching.message import Message
from gluteemg.coaching.plan import Plan
from gluteemg.coaching.texts import Texts
from gluteemg.console import describe_practice
from gluteemg.recording.file import Recorder, Recording
from gluteemg.rehearsal import Rehearsal
from gluteemg.report.analysis import analyse
from gluteemg.sensors.source import Event
from gluteemg.session import Moment, Session, units_of

FOLDER = Path(__file__).parents[1] / "docs" / "sessions"
PEOPLE = {
    "after_birth_return": ("hamstring-led,pausing", 3),
    "after_birth_stronger": ("hamstring-led,losing", 3),
    "posture_and_activation": ("hamstring-led,clenching", 3),
    "abs_and_glutes": ("shared", 3),
    "wake_up_glutes": ("hamstring-led,cramping", 3),
    "relax_first": ("shared,clenching", 4),
}
"""Who goes through which plan, with how many channels."""
_SILENT = ("count", "floor")  # signs that are left out here: three ticks before each set, one soft note in most repetitions
_WHO = {"voice": "says", "sound": "♪", "screen": "shows", "person": "●"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, by whom: the voice, a sound, the screen, the person."""

    t_s: float
    who: str
    what: str

    def __str__(self) -> str:
        return f"{int(self.t_s) // 60:3d}:{int(self.t_s) % 60:02d}  {_WHO[self.who]:<6} {self.what}"


class Scribe:
    """Puts down what is said, sounded and shown, when it is new."""

    def __init__(self, texts: Texts) -> None:
        self.lines: list[Line] = []
        self._texts = texts
        self._cue = Cue()
        self._shown: dict[str, tuple[object, ...]] = {}
        self._reps = 0

    def watch(self, moment: Moment) -> None:
        """Take in a moment."""
        t_s, cue = 0.0 if moment.frame is None else moment.frame.t_s, moment.cue
        shares = [rep.share for rep in moment.reps[self._reps :] if rep.share is not None]
        self._reps = len(moment.reps)
        if cue is self._cue:  # nothing came but an event
            return
        self._cue = cue
        said = [self._texts.say(message) for message in cue.spoken]
        shown = [text for text in (*self._verdict(cue, shares), *self._about(cue)) if text not in said]
        signs = ", ".join(sign.replace("_", " ") for sign in cue.signs if sign not in _SILENT)
        if signs and shown:
            shown[0] += f"  ♪ {signs}"
        elif signs:
            self.lines.append(Line(t_s, "sound", signs))
        self.lines += [Line(t_s, "screen", text) for text in shown]
        if said:
            self.lines.append(Line(t_s, "voice", " ".join(text if text[-1] in ".!?" else f"{text}." for text in said)))

    def _verdict(self, cue: Cue, shares: list[float]) -> Iterator[str]:
        """Say what the last repetition was, or the last hold or release."""
        if cue.verdict is None or not self._is_new("verdict", cue.verdict, cue.exercise, cue.set_number, cue.rep_number):
            return
        share = "" if not shares else f"glute share {100 * shares[-1]:.0f} %, "
        number = f"rep {cue.rep_number}: {share}" if cue.verdict.id.startswith("rep.") else ""
        yield number + self._texts.say(cue.verdict)

    def _about(self, cue: Cue) -> Iterator[str]:
        """Say what to change and why."""
        for what, message in (("advice", cue.advice), ("reason", cue.reason)):
            if message is not None and self._is_new(what, message):
                yield self._texts.say(message)

    def _is_new(self, what: str, *shown: object) -> bool:
        new, self._shown[what] = shown != self._shown.get(what), shown
        return new


def live_through(plan: Plan, person: str, channels: int, path: Path, seed: int = 0) -> tuple[Rehearsal, Scribe]:
    """Let a simulated person go through a plan, as ``gluteemg train --virtual --headless`` does, and keep it in a file."""
    exercises = {id: load_exercise(id) for id in plan.exercises}
    protocols = {id: load_protocol(id) for id in plan.protocols}
    rehearsal = Rehearsal(person, exercises, protocols, channels=channels, seed=seed)
    source, placements = rehearsal.source, rehearsal.placements
    coach = lead(plan, exercises, protocols, load_advice(), load_safety(), units=units_of(source.profiles, placements))
    scribe = Scribe(load_texts())
    session = Session(
        source,
        placements,
        coach,
        opening=[Event("plan", {"id": plan.id, "toml": plan.toml})],
        recorder=Recorder(path, source.profiles, placements, exercise_toml=next(iter(exercises.values())).toml),
        watchers=[lambda moment: rehearsal.hear(moment.cue), scribe.watch],
    )
    with session:
        session.wait()
    return rehearsal, scribe


def transcript(name: str, person: str, channels: int, *, seed: int = 0) -> str:
    """Give the transcript of a plan, as a page."""
    plan, texts = load_plan(name), load_texts()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "session.emg"
        rehearsal, scribe = live_through(plan, person, channels, path, seed)
        analysis = analyse(Recording.open(path), load_exercise(plan.exercises[0]))
    lines = sorted([*scribe.lines, *(Line(t_s, "person", what) for t_s, what in rehearsal.did)], key=lambda line: line.t_s)
    worn = ", ".join(str(placement.role).replace("_", " ") for placement in rehearsal.placements)
    minutes = lines[-1].t_s / 60
    head = [
        f"# {texts.say(Message(f'plan.{name}'))}",
        "",
        f"The plan `{name}` as a simulated person lives it, {minutes:.0f} minutes. Source {plan.source}.",
        "",
        f"The person: `{person}`. Worn: {worn}.",
        "Percentages of the person (●) are the truth, those that are shown are measured.",
        "The three ticks before each set and the soft note at the floor are left out.",
        f"Made by `scripts/write_transcripts.py {name}`; live, without the truth:",
        f"`gluteemg train --plan {name} --virtual {person} --channels {channels} --headless`.",
        "",
        "```text",
        *map(str, lines),
        "```",
    ]
    assert analysis.practice is not None
    return (
        "\n".join([*head, "", "At the end it says:", "", "```text", describe_practice(analysis.practice, texts), "```"]) + "\n"
    )


def main() -> None:
    """Write those that are named, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or PEOPLE:
        (FOLDER / f"{name}.md").write_text(transcript(name, *PEOPLE[name]), encoding="utf-8")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
