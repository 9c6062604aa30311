"""The lock: every library at one version, with its hashes, and nothing about where it comes from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "requirements.lock").read_text("utf-8")


@pytest.fixture(scope="module")
def pinned(text: str) -> dict[str, list[Version]]:
    versions: dict[str, list[Version]] = {}
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(line.rstrip(" \\"))
            (specifier,) = requirement.specifier
            versions.setdefault(canonicalize_name(requirement.name), []).append(Version(specifier.version))
    return versions


def wanted(pyproject: dict[str, Any]) -> list[Requirement]:
    extras = pyproject["project"]["optional-dependencies"].values()
    lists = [pyproject["build-system"]["requires"], pyproject["project"]["dependencies"], *extras]
    lists += pyproject["dependency-groups"].values()
    requirements = [Requirement(line) for lines in lists for line in lines]
    return [requirement for requirement in requirements if requirement.name != "gluteemg"]


def test_the_lock_holds_no_address(text: str) -> None:
    assert "://" not in text
    assert not re.search(r"^-", text, flags=re.MULTILINE), "an option such as --index-url"


def test_every_library_in_the_lock_has_a_hash(text: str) -> None:
    entries = re.split(r"\n(?=\S)", text)
    assert [entry.splitlines()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def test_every_dependency_is_in_the_lock_at_a_version_that_it_allows(
    pyproject: dict[str, Any], pinned: dict[str, list[Version]]
) -> None:
    for requirement in wanted(pyproject):
        versions = pinned.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement} is not in requirements.lock. Run: python3 scripts/lock.py"
        allowed = list(requirement.specifier.filter(versions, prereleases=True))
        assert allowed if requirement.marker else allowed == versions, f"{requirement} is locked at {versions}"
