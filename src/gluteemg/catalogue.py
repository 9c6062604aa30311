"""The one module that reads small files: profiles, exercises, calibration protocols, texts; and the last calibration.

Each kind of TOML file has a folder of that name, looked for in three places: the person's own (so that a new sensor or exercise
needs no installation), the installed package, and the repository that gluteemg runs from.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal, TypeVar

from platformdirs import user_data_path
from pydantic import ValidationError

from gluteemg.activation.calibration import Calibration
from gluteemg.activation.calibrator import Result
from gluteemg.activation.protocol import Protocol
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.texts import Texts
from gluteemg.definition import Definition, faults
from gluteemg.errors import DefinitionError
from gluteemg.sensors.profile import FirmwareProfile

D = TypeVar("D", bound=Definition)
Folder = Literal["firmware_profiles", "exercises", "calibration", "texts"]

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
    loaded = []
    for name in names("firmware_profiles"):
        try:
            profile = load_profile(name)
        except DefinitionError as error:
            if not _is_own(_find("firmware_profiles", name)):
                raise
            _log.warning("%s It is left out; `gluteemg profiles check` says more.", error)
            continue
        if profile.id != name:
            _log.warning("%s calls itself %s: give the file that name.", _find("firmware_profiles", name), profile.id)
        loaded.append(profile)
    return loaded


def load_exercise(name: str) -> Exercise:
    """Load an exercise by its id or the path of its file.

    Raises
    ------
    DefinitionError
        If there is no such exercise, or it has faults.
    """
    return _load(Exercise, "exercises", name)


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


def _last_calibration() -> Path:
    return user_folder() / "last_calibration.json"


def _load(kind: type[D], folder: Folder, name: str) -> D:
    file = _find(folder, name)
    return kind.parse(_text_of(file), str(file) if _is_own(file) else file.name)


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
