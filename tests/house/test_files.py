"""What may stand in the repository."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

MAX_BYTES = 1024 * 1024  # chosen: a clone stays small; whole sessions belong elsewhere

REGISTRY = re.compile(
    rb"(files|registry|proxy|deb|pypi|conda)\.\w+\.(org|com)/|(pypi|pythonhosted|anaconda|piwheels)\.org", re.I
)
"""Where packages are fetched from: a lock or a script that names such a host works in one place only."""
MACHINE_PATH = re.compile(rb"(?<![\w.])/(?:home|Users|root|work)/|[A-Z]:\\\\?Users\\", re.I)


def offenders(root: Path, files: list[Path], pattern: re.Pattern[bytes]) -> list[str]:
    found = ((path, pattern.search(path.read_bytes())) for path in files)
    return [f"{path.relative_to(root)}: {match[0].decode()}" for path, match in found if match]


def test_no_file_names_the_host_of_a_package_registry(root: Path, files: list[Path]) -> None:
    assert offenders(root, files, REGISTRY) == []


def test_no_file_names_a_folder_of_somebodys_machine(root: Path, files: list[Path]) -> None:
    assert offenders(root, files, MACHINE_PATH) == []


def test_no_file_is_large(root: Path, files: list[Path]) -> None:
    assert [str(path.relative_to(root)) for path in files if path.stat().st_size > MAX_BYTES] == []


def test_every_toml_file_can_be_read(files: list[Path]) -> None:
    for path in (path for path in files if path.suffix == ".toml"):
        tomllib.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("text", ["see /{home}/ann/x", 'open("/{root}/x")', r"C:\{users}\ann", r'"C:\\{users}\\ann"'])
def test_a_folder_of_a_machine_is_recognised(text: str) -> None:
    assert MACHINE_PATH.search(text.format(home="home", root="root", users="Users").encode())


@pytest.mark.parametrize("text", [b"at home/work", b"../work/x", b"a/root/b", b"https://example.org/home"])
def test_other_text_is_not_taken_for_a_folder_of_a_machine(text: bytes) -> None:
    assert not MACHINE_PATH.search(text)
