"""The one module that reads small files: profiles, exercises, calibration protocols, texts; and the last calibration.

Each kind of TOML file has a folder of that name, looked for in three places: the person's own (so that a new sensor or exercise
needs no installation), the installed package, and the repository that gluteemg runs from.
"""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import Literal, TypeVar

from platformdirs import user_data_path
from pydantic import ValidationError

from gluteemg.activation.calibration import Calibration
from gluteemg.activation.calibrator import Result
from gluteemg.activation.protocol import Protocol
from gluteemg.coaching.advisor import AdviceTable
from gluteemg.coaching.diary import Diary, Entry
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.plan import Plan
from gluteemg.coaching.programme import Programme
from gluteemg.coaching.safety import Safety
from gluteemg.coaching.texts import Texts
from gluteemg.definition import Definition, faults
from gluteemg.errors import DefinitionError
from gluteemg.sensors.profile import FirmwareProfile

D = TypeVar("D", bound=Definition)
N = TypeVar("N", FirmwareProfile, Exercise)
Folder = Literal[
    "firmware_profiles",
    "exercises",
    "exercises/advice",
    "exercises/programmes",
    "exercises/safety",
    "exercises/plans",
    "calibration",
    "texts",
]

_PACKAGE = Path(__file__).parent
_log = logging.getLogger(__name__)


def user_folder() -> Path:
    """Give the person's own folder for data of this program."""
    return user_data_path("gluteemg", appauthor=False)


def _folders(folder: Folder) -> list[Path]:
    places = (user_folder(), _PACKAGE / "_data", _PACKAGE.parents[1])
    return [place / folder for place in places if (place / folder).is_dir()]


def names(folder: Folder) -> list[str]:
    """List what a folder holds, by name, sorted."""
    return sorted({file.stem for place in _folders(folder) for file in place.glob("*.toml")})


def load_profile(name: str) -> FirmwareProfile:
    """Load a firmware profile by its id or the path of its file.

    Raises
    ------
    DefinitionError
        If there is no such profile, or it has faults.
    """
    return _load(FirmwareProfile, "firmware_profiles", name)


def load_profiles() -> list[FirmwareProfile]:
    """Load every firmware profile there is; one of the person's own that has faults is named in the log and left out."""
    return _load_each(FirmwareProfile, "firmware_profiles", "profiles")


def load_exercise(name: str) -> Exercise:
    """Load an exercise by its id or the path of its file.

    Raises
    ------
    DefinitionError
        If there is no such exercise, or it has faults.
    """
    return _load(Exercise, "exercises", name)


def load_exercises() -> list[Exercise]:
    """Load every exercise there is; one of the person's own that has faults is named in the log and left out."""
    return _load_each(Exercise, "exercises", "exercises")


def load_advice(language: str = "en") -> AdviceTable:
    """Load the rules by which changes are offered, and see that there are words for all of them in a language.

    Raises
    ------
    DefinitionError
        If they have faults, or words are missing.
    """
    table = _load(AdviceTable, "exercises/advice", "rules")
    if lacking := load_texts(language).lacks(table.text_ids):
        raise DefinitionError(f"rules.toml needs words for {', '.join(lacking)}: add them to texts/{language}.toml.")
    return table


def load_plan(name: str) -> Plan:
    """Load a plan by its id or the path of its file.

    Raises
    ------
    DefinitionError
        If there is no such plan, or it has faults.
    """
    return _load(Plan, "exercises/plans", name)


def load_programme(name: str = "glute_return") -> Programme:
    """Load a programme by its id or the path of its file.

    Raises
    ------
    DefinitionError
        If there is no such programme, or it has faults.
    """
    return _load(Programme, "exercises/programmes", name)


def load_safety(name: str = "first_run") -> Safety:
    """Load what is asked and when to stop, by its id or the path of its file.

    Raises
    ------
    DefinitionError
        If there is no such file, or it has faults.
    """
    return _load(Safety, "exercises/safety", name)


def load_protocol(name: str) -> Protocol:
    """Load a calibration protocol by its id or the path of its file.

    Raises
    ------
    DefinitionError
        If there is no such protocol, or it has faults.
    """
    return _load(Protocol, "calibration", name)


def load_texts(language: str = "en") -> Texts:
    """Load the words of a language, and over them those in the person's own folder: a new exercise brings its own.

    Raises
    ------
    DefinitionError
        If there is no such language, or a file has faults.
    """
    own = user_folder() / "texts" / f"{language}.toml"
    shipped = next((f for f in _files("texts", language) if f != own), own)
    texts = Texts.parse(_text_of(shipped), shipped.name) if shipped.is_file() else _load(Texts, "texts", language)
    return texts.extended(_text_of(own), str(own)) if own.is_file() and own != shipped else texts


def load_calibration(name: str) -> Calibration:
    """Load a calibration from a JSON file, or the ``last`` one that was taken.

    Raises
    ------
    DefinitionError
        If there is no such file, or it holds something else.
    """
    file = _last_calibration() if name == "last" else Path(name)
    try:
        return Calibration.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DefinitionError(f"There is no calibration {file}: take one with `gluteemg calibrate` first.") from error
    except ValidationError as error:
        raise DefinitionError(
            f"{file} is not a calibration, it has {faults(error)}: take one with `gluteemg calibrate`."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{file} cannot be read as text ({error}): check the file.") from error


def save_last_calibration(calibration: Calibration) -> None:
    """Keep a calibration as the ``last`` one.

    Raises
    ------
    DefinitionError
        If the person's own folder cannot be written to.
    """
    save_result(calibration, _last_calibration())


def save_result(result: Result, file: Path) -> None:
    """Write what a protocol came to into a JSON file; `load_calibration` reads a calibration again.

    Raises
    ------
    DefinitionError
        If the file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(result.model_dump_json(indent=2), encoding="utf-8")
    except OSError as error:
        raise DefinitionError(f"The {result.kind} cannot be kept in {file} ({error.strerror}): make room there.") from error


def load_diary() -> Diary:
    """Load what the person has done and told; a line that cannot be read is named in the log, and stays in the file.

    Raises
    ------
    DefinitionError
        If there is a diary that cannot be read at all.
    """
    file = diary_file()
    try:
        diary = Diary.parse(file.read_bytes())
    except FileNotFoundError:
        return Diary()
    except OSError as error:
        raise DefinitionError(f"The diary {file} cannot be read ({error.strerror}): check the file.") from error
    for line, fault in diary.broken:
        _log.warning("Line %d of the diary %s is kept, but left out, it has %s: mend it by hand.", line, file, fault)
    return diary


def add_to_diary(entry: Entry) -> None:
    """Write one entry at the end of the diary, in one go, so that a crash harms no other; only the person can read the file.

    Raises
    ------
    DefinitionError
        If the person's own folder cannot be written to.
    """
    file = diary_file()
    line = entry.model_dump_json(exclude_defaults=True).encode() + b"\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        with file.open("ab+", buffering=0) as diary:
            if diary.tell():
                diary.seek(-1, os.SEEK_END)
                line = line if diary.read(1) == b"\n" else b"\n" + line  # a line that was cut off stays apart from this one
            if diary.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(diary.fileno())
    except OSError as error:
        raise DefinitionError(f"The diary cannot be kept in {file} ({error.strerror}): make room there.") from error


def diary_file() -> Path:
    """Give the file of the diary: JSON lines."""
    return user_folder() / "diary.jsonl"


def _last_calibration() -> Path:
    return user_folder() / "last_calibration.json"


def _load(kind: type[D], folder: Folder, name: str) -> D:
    file = _find(folder, name)
    return kind.parse(_text_of(file), str(file) if _is_own(file) else file.name)


def _load_each(kind: type[N], folder: Folder, command: str) -> list[N]:
    """Load all of a kind; one of the person's own that has faults is named in the log, with the command that says more."""
    loaded = []
    for name in names(folder):
        try:
            found = _load(kind, folder, name)
        except DefinitionError as error:
            if not _is_own(_find(folder, name)):
                raise
            _log.warning("%s It is left out; `gluteemg %s check` says more.", error, command)
            continue
        if found.id != name:
            _log.warning("%s calls itself %s: give the file that name.", _find(folder, name), found.id)
        loaded.append(found)
    return loaded


def _is_own(file: Path) -> bool:
    return file.is_relative_to(user_folder())


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{file} cannot be read as text ({error}): check the file.") from error


def _files(folder: Folder, name: str) -> list[Path]:
    """Give the files of that name, the person's own first."""
    return [place / f"{name}.toml" for place in _folders(folder) if (place / f"{name}.toml").is_file()]


def _find(folder: Folder, name: str) -> Path:
    if name.endswith(".toml"):
        if not Path(name).is_file():
            raise DefinitionError(f"There is no file {name}: check the path.")
        return Path(name)
    if found := _files(folder, name):
        return found[0]
    known = ", ".join(names(folder)) or "none"
    raise DefinitionError(f"There is no {name!r} in {folder}: there are {known}; or give the path of a .toml file.")
