"""What `import gluteemg` offers, and the README's lines, run."""

import doctest
from pathlib import Path

import pytest

import gluteemg

ROOT = Path(__file__).parents[1]


def test_every_public_name_can_be_loaded() -> None:
    assert gluteemg.__all__ == sorted(gluteemg.__all__)
    for name in gluteemg.__all__:
        assert getattr(gluteemg, name).__doc__
    assert set(dir(gluteemg)) == set(gluteemg.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Manager'"):
        getattr(gluteemg, "Manager")  # noqa: B009 (mypy knows that it is not there)


def test_the_readme_says_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried >= 5
    assert not failed
