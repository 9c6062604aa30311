"""Alternation: bursts of two sides become turns, a side that is left out is seen, and what took no turns is not guessed at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gluteemg.activation.alternation import Alternation, alternation
from gluteemg.activation.bursts import MuscleBurst
from gluteemg.muscles import Role

_MEDIUS = frozenset({"gluteus_medius"})


def _bursts(*spans: tuple[str, float, float], muscle: str = "gluteus_medius") -> list[MuscleBurst]:
    """Bursts of (side, from, to); the order in which they were decided is that of their ends."""
    found = [MuscleBurst(Role(muscle, {"L": "left", "R": "right"}[side]), on, off, on + 0.07) for side, on, off in spans]
    return sorted(found, key=lambda burst: burst.off_s)


def _sides(found: Alternation) -> str:
    return "".join(turn.side[0] for turn in found.turns)


def test_sides_that_take_turns_are_counted_and_none_is_missed() -> None:
    found = alternation(_bursts(("L", 0, 1), ("R", 1.5, 2.5), ("L", 3, 4), ("R", 4.5, 5.5)), _MEDIUS)
    assert _sides(found) == "lrlr"
    assert (found.left, found.right, found.both, found.missed) == (2, 2, 0, 0)


def test_a_side_that_follows_itself_left_the_other_one_out() -> None:
    found = alternation(_bursts(("L", 0, 1), ("L", 1.5, 2.5), ("R", 3, 4), ("L", 5, 6), ("L", 7, 8)), _MEDIUS)
    assert _sides(found) == "llrll"
    assert (found.left, found.right, found.missed) == (4, 1, 2)


def test_a_short_pause_within_a_turn_makes_no_second_one() -> None:
    found = alternation(_bursts(("L", 0, 0.5), ("L", 0.8, 1.4), ("R", 2, 3)), _MEDIUS)
    assert [(turn.side, turn.start_s, turn.end_s) for turn in found.turns] == [("left", 0, 1.4), ("right", 2, 3)]
    assert found.missed == 0


def test_a_short_pause_in_which_the_other_side_begins_is_a_turn_of_its_own() -> None:
    found = alternation(_bursts(("L", 0, 0.5), ("R", 0.6, 0.79), ("L", 0.85, 1.4)), _MEDIUS)
    assert _sides(found) == "lrl"


def test_the_standing_leg_that_works_on_keeps_its_one_turn() -> None:
    found = alternation(_bursts(("L", 0, 2.5), ("R", 1, 3.5), ("L", 3, 5)), _MEDIUS)
    assert _sides(found) == "lrl"
    assert found.missed == 0


@pytest.mark.parametrize(("lag_s", "sides"), [(0.0, "b"), (0.15, "b"), (0.3, "lr")])
def test_sides_that_begin_together_took_no_turns(lag_s: float, sides: str) -> None:
    found = alternation(_bursts(("L", 0, 1), ("R", lag_s, 1.2)), _MEDIUS)
    assert _sides(found) == sides
    assert found.missed == 0


def test_muscles_of_one_side_make_one_turn_and_others_are_not_looked_at() -> None:
    bursts = (
        _bursts(("L", 0, 1)) + _bursts(("L", 0.3, 1.3), muscle="gluteus_maximus") + _bursts(("R", 0.7, 2), muscle="hamstrings")
    )
    found = alternation(bursts, {"gluteus_medius", "gluteus_maximus"})
    assert [(turn.side, turn.start_s, turn.end_s) for turn in found.turns] == [("left", 0, 1.3)]
    assert alternation(bursts, {"erector_spinae"}).turns == ()


@given(st.lists(st.tuples(st.sampled_from("LR"), st.floats(0, 60), st.floats(0.15, 3)), max_size=25))
def test_turns_are_in_order_whatever_the_order_of_the_bursts(spans: list[tuple[str, float, float]]) -> None:
    bursts = _bursts(*((side, on_s, on_s + length_s) for side, on_s, length_s in spans))
    found = alternation(bursts, _MEDIUS)
    assert found == alternation(bursts[::-1], _MEDIUS)
    assert found.left + found.right + found.both == len(found.turns) <= len(bursts)
    assert all(turn.start_s < turn.end_s for turn in found.turns)
    assert [t.start_s for t in found.turns] == sorted(t.start_s for t in found.turns)
    assert found.missed <= max(0, len(found.turns) - 1)
