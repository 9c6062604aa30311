"""The pages in ``docs/sessions/`` are what the program says today."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from gluteemg import catalogue

ROOT = Path(__file__).parents[1]
_NUMBER = re.compile(r"\d+(?:[.:]\d+)?")
_SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "write_transcripts.py"))
_PAGES = ROOT / "docs" / "sessions"


def _figures(page: str) -> list[float]:
    """Give the numbers of a page; clock times in seconds."""
    found = (text.partition(":") for text in _NUMBER.findall(page))
    return [60 * float(a) + float(b) if colon else float(a) for a, colon, b in found]


def test_there_is_a_page_for_each_plan_and_no_other() -> None:
    assert {page.stem for page in _PAGES.glob("*.md")} == {*_SCRIPT["PEOPLE"], "README"}
    sources = {catalogue.load_plan(name).source[:3] for name in _SCRIPT["PEOPLE"]}
    assert sources == {"000", "001", "002", "003", "004"}


@pytest.mark.slow
@pytest.mark.parametrize("name", _SCRIPT["PEOPLE"])
def test_a_transcript_is_what_the_program_says_today(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words to the letter; figures may differ by a little, since other machines round the last bit otherwise."""
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path)
    kept = (_PAGES / f"{name}.md").read_text("utf-8")
    today = _SCRIPT["transcript"](name, *_SCRIPT["PEOPLE"][name])
    again = f"remake it: python scripts/write_transcripts.py {name}"
    assert _NUMBER.sub("#", today) == _NUMBER.sub("#", kept), again
    assert _figures(today) == pytest.approx(_figures(kept), abs=2.0), again
