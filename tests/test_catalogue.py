"""The catalogue finds what is asked for by name or path, the person's own first, and says what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gluteemg import catalogue
from gluteemg.errors import DefinitionError

_ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own folder, empty."""
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path)
    return tmp_path


def _keep(own: Path, folder: str, name: str, text: str) -> None:
    (own / folder).mkdir(exist_ok=True)
    (own / folder / f"{name}.toml").write_text(text, "utf-8")


def test_everything_that_comes_along_can_be_loaded() -> None:
    assert {p.id for p in catalogue.load_profiles()} == set(catalogue.names("firmware_profiles"))
    for name in catalogue.names("exercises"):
        assert catalogue.load_exercise(name).id == name
    for name in catalogue.names("calibration"):
        assert catalogue.load_protocol(name).id == name
    for name in catalogue.names("texts"):
        assert catalogue.load_texts(name).language == name


def test_names_are_sorted_and_given_once(own: Path) -> None:
    _keep(own, "exercises", "bridge", "")
    _keep(own, "exercises", "a_new_one", "")
    names = catalogue.names("exercises")
    assert names[0] == "a_new_one"
    assert names == sorted(set(names))
    assert "bridge" in names


def test_a_file_of_ones_own_goes_before_the_one_that_comes_along(own: Path) -> None:
    text = (_ROOT / "exercises" / "bridge.toml").read_text("utf-8")
    _keep(own, "exercises", "bridge", text.replace("stage = 2", "stage = 3"))
    assert catalogue.load_exercise("bridge").stage == 3


def test_a_new_sensor_needs_no_more_than_a_file(own: Path) -> None:
    text = (_ROOT / "firmware_profiles" / "umyo-gatt.toml").read_text("utf-8")
    _keep(own, "firmware_profiles", "my-sensor", text.replace('id = "umyo-gatt"', 'id = "my-sensor"'))
    assert catalogue.load_profile("my-sensor").id == "my-sensor"
    assert "my-sensor" in {p.id for p in catalogue.load_profiles()}


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "somewhere.toml"
    file.write_text((_ROOT / "calibration" / "demo.toml").read_text("utf-8"), "utf-8")
    assert catalogue.load_protocol(str(file)).id == "demo"


def test_a_name_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(DefinitionError, match=r"There is no 'handstand' in exercises: there are .*bridge"):
        catalogue.load_exercise("handstand")


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"There is no file .*: check the path"):
        catalogue.load_exercise(str(tmp_path / "none.toml"))


def test_a_file_that_is_no_text_is_refused(own: Path) -> None:
    (own / "exercises").mkdir()
    (own / "exercises" / "picture.toml").write_bytes(b"\x89PNG\xff")
    with pytest.raises(DefinitionError, match="cannot be read as text"):
        catalogue.load_exercise("picture")


def test_a_folder_that_is_called_like_a_file_is_refused(own: Path) -> None:
    (own / "exercises" / "folder.toml").mkdir(parents=True)
    with pytest.raises(DefinitionError):
        catalogue.load_exercise("folder")


def test_a_fault_names_the_file(own: Path) -> None:
    _keep(own, "exercises", "bad", 'id = "bad"')
    with pytest.raises(DefinitionError, match=r"bad\.toml has \d+ faults: "):
        catalogue.load_exercise("bad")


def test_the_persons_own_folder_is_not_needed(own: Path) -> None:
    own.rmdir()
    assert catalogue.names("exercises")


def test_a_profile_of_ones_own_with_faults_is_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path)
    (tmp_path / "firmware_profiles").mkdir()
    (tmp_path / "firmware_profiles" / "half.toml").write_text("x =", "utf-8")
    known = [p.id for p in catalogue.load_profiles()]
    assert "umyo-gatt" in known
    assert "half" not in known
    assert str(tmp_path / "firmware_profiles" / "half.toml") in caplog.text
