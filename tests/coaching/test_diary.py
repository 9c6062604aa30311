"""The diary keeps what was told: a line each, none lost, days as on the person's own calendar."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gluteemg import catalogue
from gluteemg.coaching.diary import Diary, Done, Entry, Override, days, good_share, once, sessions, standing_symptoms
from gluteemg.errors import DefinitionError

_AT = datetime(2025, 3, 3, 18, 30, tzinfo=timezone(timedelta(hours=1)))
_BRIDGE = Done(exercise="bridge", sets=2, reps=20, scored_reps=18, good_reps=15, ln_ratio=0.2)
_SESSION = Entry(
    at=_AT,
    plan="bridge_basics",
    stage=2,
    exercises=(_BRIDGE, Done(exercise="clamshell", side="left", sets=1, reps=8)),
    pain_before=1,
    pain_after=2,
    rpe=4,
    cramp=("hamstrings",),
    symptoms=("dizziness",),
    note="On the rug.\nBaby slept 😴",
    overrides=(Override(who="physio", what="activate", why="seen in the room"),),
)
_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_ENTRIES = st.builds(
    Entry,
    at=st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=_OFFSETS),  # noqa: DTZ001 (they get a zone)
    stage=st.none() | st.integers(0, 4),
    pain_after=st.none() | st.integers(0, 10),
    clearance=st.none() | st.booleans(),
    symptoms=st.lists(st.sampled_from(["fever", "calf"]), unique=True).map(tuple),
    note=st.text(),
    exercises=st.sampled_from([(), (_BRIDGE,)]),
)


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own folder, empty."""
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path / "own")
    return tmp_path / "own"


def test_before_the_first_entry_the_diary_is_empty() -> None:
    assert catalogue.load_diary() == Diary()


def test_what_is_added_is_read_again_in_the_order_of_writing() -> None:
    later = _SESSION.model_copy(update={"at": _AT - timedelta(days=3)})
    for entry in (_SESSION, later):
        catalogue.add_to_diary(entry)
    assert catalogue.load_diary() == Diary((_SESSION, later))


def test_an_entry_is_one_line_of_json_with_its_offset_and_nothing_that_was_not_said() -> None:
    catalogue.add_to_diary(_SESSION)
    text = catalogue.diary_file().read_text("utf-8")
    assert text.count("\n") == 1
    kept = json.loads(text)
    assert kept["at"] == "2025-03-03T18:30:00+01:00"
    assert "clearance" not in kept
    assert kept["exercises"][1] == {"exercise": "clamshell", "side": "left", "sets": 1, "reps": 8}


@pytest.mark.skipif(sys.platform == "win32", reason="there the folder is the person's own")
def test_only_the_person_can_read_the_file() -> None:
    catalogue.add_to_diary(_SESSION)
    assert catalogue.diary_file().stat().st_mode & 0o077 == 0


def test_the_line_that_the_docs_show_is_an_entry() -> None:
    page = (Path(__file__).parents[2] / "docs" / "programme.md").read_text("utf-8")
    shown = page.split("```json\n")[1].split("```")[0]
    (entry,) = Diary.parse(shown.encode()).entries
    assert entry.model_dump_json(exclude_defaults=True) == shown.strip()


@given(st.lists(_ENTRIES, max_size=8, unique_by=lambda entry: entry.at))
def test_every_entry_survives_being_written(entries: list[Entry]) -> None:
    lines = b"".join(entry.model_dump_json(exclude_defaults=True).encode() + b"\n" for entry in entries)
    assert Diary.parse(lines) == Diary(tuple(entries))


@pytest.mark.parametrize("broken", [b'{"at": "2025-03', b"\xff\xfe", b'{"at": "2025-03-03T18:30:00"}', b"[]", b'{"mood": 3}'])
def test_a_broken_line_is_named_and_kept_and_harms_no_other(broken: bytes, caplog: pytest.LogCaptureFixture) -> None:
    catalogue.add_to_diary(_SESSION)
    file = catalogue.diary_file()
    file.write_bytes(file.read_bytes() + broken)  # as a crash leaves it: no end of line
    later = _SESSION.model_copy(update={"at": _AT + timedelta(days=2)})
    catalogue.add_to_diary(later)
    diary = catalogue.load_diary()
    assert diary.entries == (_SESSION, later)
    assert [line for line, _ in diary.broken] == [2]
    assert broken in file.read_bytes()
    assert caplog.text.count("Line 2 of the diary") == 1


@given(st.binary(max_size=200))
def test_no_bytes_make_the_diary_unreadable(lines: bytes) -> None:
    diary = Diary.parse(lines)
    assert len(diary.entries) + len(diary.broken) == sum(bool(line.strip()) for line in lines.split(b"\n"))


def test_a_diary_that_cannot_be_read_or_kept_is_said_in_one_line(own: Path) -> None:
    (own / "diary.jsonl").mkdir(parents=True)
    for refused, said in (
        (catalogue.load_diary, "cannot be read"),
        (lambda: catalogue.add_to_diary(_SESSION), "cannot be kept"),
    ):
        call: Callable[[], Any] = refused
        with pytest.raises(DefinitionError, match=said) as error:
            call()
        assert "\n" not in str(error.value)


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Entry(at=datetime(2025, 3, 3, 18, 30))  # noqa: DTZ001 (that is the point)


@pytest.mark.parametrize("numbers", [(8, 8, 9), (8, 9, 8), (0, 1, 0)])
def test_more_good_than_scored_or_scored_than_done_is_refused(numbers: tuple[int, int, int]) -> None:
    reps, scored, good = numbers
    with pytest.raises(ValidationError, match="must not be over"):
        Done(exercise="bridge", sets=1, reps=reps, scored_reps=scored, good_reps=good)


def test_a_late_evening_stays_on_its_evening_wherever_the_clock_stands() -> None:
    winter, summer, auckland = (timezone(timedelta(hours=h)) for h in (1, 2, 12))
    assert Entry(at=datetime(2025, 3, 29, 23, 59, tzinfo=winter)).day == date(2025, 3, 29)  # an hour is lost that night
    assert Entry(at=datetime(2025, 3, 30, 23, 59, tzinfo=summer)).day == date(2025, 3, 30)
    late = Entry(at=datetime(2025, 6, 1, 8, 0, tzinfo=auckland))
    assert Entry.model_validate_json(late.model_dump_json()).day == date(2025, 6, 1)  # in UTC it is still May
    assert late.at.astimezone(UTC).date() == date(2025, 5, 31)


def test_an_entry_that_is_written_again_stands_for_the_first_one_in_any_offset() -> None:
    mended = _SESSION.model_copy(update={"at": _AT.astimezone(UTC), "pain_after": 0})
    other = _SESSION.model_copy(update={"at": _AT + timedelta(hours=1)})
    assert once([_SESSION, other, mended]) == (other, mended)


def test_a_session_needs_something_that_was_done() -> None:
    assert _SESSION.is_session
    assert not Entry(at=_AT, clearance=True).is_session
    assert not Entry(at=_AT, exercises=(Done(exercise="bridge", sets=0, reps=0),)).is_session
    assert Entry(at=_AT, time_to_relax_s=1.5).is_session
    by_time = Done(exercise="heel_slide", sets=1, reps=0)
    assert Entry(at=_AT, exercises=(by_time,)).is_session


def test_two_sessions_on_one_day_are_one_day_and_what_lies_ahead_does_not_count() -> None:
    entries = [_SESSION.model_copy(update={"at": _AT + timedelta(hours=h)}) for h in (0, 2, 48, 24 * 365)]
    practised = sessions(entries, date(2025, 3, 10))
    assert len(practised) == 3
    assert days(practised) == (date(2025, 3, 3), date(2025, 3, 5))
    assert sessions(entries, date(2025, 3, 10), stage=1) == ()


def test_a_share_of_good_repetitions_needs_scored_ones() -> None:
    assert good_share([]) is None
    assert good_share([Done(exercise="bridge", sets=1, reps=8)]) is None
    assert good_share([_BRIDGE]) == pytest.approx(15 / 18)
    assert good_share([_BRIDGE], least_reps=19) is None


def test_pain_is_the_most_that_was_told() -> None:
    assert _SESSION.pain == 2
    assert Entry(at=_AT).pain is None


def test_what_was_ticked_stands_until_the_first_questions_are_asked_anew_whatever_the_clock_says() -> None:
    asked = Entry(at=_AT, clearance=True, symptoms=("calf",))
    noted = Entry(at=_AT + timedelta(days=1), symptoms=("fever",))
    anew = Entry(at=_AT - timedelta(days=900), clearance=True)  # the clock was set back
    assert standing_symptoms([]) == ()
    assert standing_symptoms([noted]) == ("fever",)
    assert standing_symptoms([noted, asked]) == ("calf",)
    assert standing_symptoms([asked, noted]) == ("calf", "fever")
    assert standing_symptoms([asked, noted, anew]) == ()
