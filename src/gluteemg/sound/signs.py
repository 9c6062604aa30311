"""The signs: one short sound for each thing that can happen, told apart by rhythm and by the way the pitch goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gluteemg.coaching.cue import Sign

LOUDEST = 0.25
"""Highest level of a sign, of full scale (chosen: -12 dB, 4 dB over the loudest tone)."""
_BASE_HZ = 587.33
"""Where semitones count from (chosen: D5; the signs lie above the tone, 523 to 1175 Hz)."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note of a sign.

    Parameters
    ----------
    seconds : float
        How long it lasts.
    semitones : float
        Its pitch over `_BASE_HZ`.
    to : float, optional
        The pitch it slides to.
    rest_s : float
        Silence after it.
    attack_s, release_s : float
        How long it swells and fades (chosen: quiet at first, so that no sign startles or clicks).
    level : float
        Of `LOUDEST`.
    """

    seconds: float
    semitones: float
    to: float | None = None
    rest_s: float = 0.0
    attack_s: float = 0.012
    release_s: float = 0.025
    level: float = 1.0


NOTES: Mapping[Sign, tuple[Note, ...]] = {
    # one tick
    "count": (Note(0.10, 0, level=0.7),),
    # short, short, long and high: as at a start
    "begin": (Note(0.07, -2, rest_s=0.08), Note(0.07, -2, rest_s=0.08), Note(0.28, 10)),
    # one soft note that blooms
    "floor": (Note(0.35, -2, attack_s=0.15, level=0.5),),
    # short and long, a fifth up
    "rep_in_zone": (Note(0.07, 3, rest_s=0.02), Note(0.18, 10)),
    # two knocks alike
    "rep": (Note(0.09, 0, rest_s=0.08), Note(0.09, 0)),
    # a long slide down
    "let_go": (Note(0.58, 10, to=-2, attack_s=0.05, release_s=0.12, level=0.7),),
    # four steps up, the last one long
    "set_done": (Note(0.09, -2, rest_s=0.02), Note(0.09, 2, rest_s=0.02), Note(0.09, 5, rest_s=0.02), Note(0.25, 10)),
    # two slides up, as one calls somebody
    "rest_over": (Note(0.20, -2, to=5, rest_s=0.10), Note(0.20, -2, to=5)),
    # long, and one short step down
    "paused": (Note(0.28, 3, rest_s=0.14), Note(0.10, -2)),
    # one long slide up
    "resumed": (Note(0.45, -2, to=12, attack_s=0.05),),
    # high, low, high, low
    "signal_lost": (
        Note(0.10, 7, rest_s=0.03),
        Note(0.10, -1, rest_s=0.03),
        Note(0.10, 7, rest_s=0.03),
        Note(0.16, -1),
    ),
    # low, then long and high: it is found
    "signal_back": (Note(0.12, 7, rest_s=0.03), Note(0.12, -1, rest_s=0.03), Note(0.28, 7)),
    # up and back, quickly
    "advice": (Note(0.10, 0, rest_s=0.02), Note(0.10, 5, rest_s=0.02), Note(0.10, 0)),
    # up once more, and home
    "done": (Note(0.12, 5, rest_s=0.02), Note(0.12, 10, rest_s=0.02), Note(0.32, -2)),
}


@cache
def samples(sign: Sign, rate_hz: float) -> NDArray[np.float64]:
    """Give a sign, shape (n,), -`LOUDEST` to `LOUDEST`, 0.1 to 0.6 s long; begins and ends with silence."""
    parts = [part for note in NOTES[sign] for part in (_note(note, rate_hz), np.zeros(round(note.rest_s * rate_hz)))]
    whole = np.concatenate(parts)
    whole.flags.writeable = False  # it is kept
    return whole


def _note(note: Note, rate_hz: float) -> NDArray[np.float64]:
    n = round(note.seconds * rate_hz)
    end = note.semitones if note.to is None else note.to
    pitch_hz = _BASE_HZ * 2 ** (np.linspace(note.semitones, end, n) / 12)
    radians = np.cumsum(pitch_hz) * (2 * np.pi / rate_hz)
    level = LOUDEST * note.level * _swell(n, note.attack_s * rate_hz, note.release_s * rate_hz)
    whole: NDArray[np.float64] = level * (np.sin(radians) + 0.2 * np.sin(2 * radians)) / 1.2
    return whole


def _swell(n: int, attack: float, release: float) -> NDArray[np.float64]:
    """Give the level of a note, shape (n,): up along a cosine, steady, and down along another."""
    at = np.arange(n)
    up, down = np.minimum(at / attack, 1.0), np.minimum((n - 1 - at) / release, 1.0)
    whole: NDArray[np.float64] = (1 - np.cos(np.pi * up)) * (1 - np.cos(np.pi * down)) / 4
    return whole
