"""The continuous tone: what it should sound like, and its samples.

A tone is two voices of three partials each, which lie in a table. Everything moves in glides that are counted in samples, and
phases are whole numbers, so that the same commands at the same samples give the same tone, bit for bit, however it is cut into
blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOWEST_HZ, HIGHEST_HZ = 220.0, 440.0
"""Range of the pitch (chosen: one octave, A3 to A4, where speech lies too; small loudspeakers still carry its partials)."""
LOUDEST = 0.16
"""Highest level of a tone, of full scale (chosen: -16 dB leaves speech and signs well above it)."""
BEAT_HZ = 5.0
"""How much higher the second voice is (chosen: 4 to 8 beats a second are heard as a gentle waver, more as roughness)."""
_PARTIALS = (1.0, 0.3, 0.1)
"""Amplitudes of the partials of a voice (chosen: soft, and yet heard where the lowest is not)."""
_GLIDE_S = 0.05
"""How long a change takes (chosen: far below the 500 ms over which the share is read, far above what clicks)."""
_CYCLE = 1 << 32
"""A whole cycle of a phase; whole numbers add up alike in any order."""
_STEPS = 1 << 12
"""Values in a cycle of a voice, with straight lines between (chosen: 120 dB below it; and, unlike a sine, a look into a table
gives the same bits wherever in a block it stands)."""


def _cycle() -> NDArray[np.float64]:
    radians = np.linspace(0, 2 * np.pi, _STEPS + 1)
    cycle = np.sum([amplitude * np.sin(n * radians) for n, amplitude in enumerate(_PARTIALS, 1)], axis=0)
    return np.asarray(cycle / np.abs(cycle).max())


_VOICE = _cycle()


@dataclass(frozen=True, slots=True)
class Tone:
    """What the continuous tone should sound like now.

    Parameters
    ----------
    level : float
        Of full scale, 0 to `LOUDEST`; 0 is silence.
    pitch_hz : float
        From `LOWEST_HZ` to `HIGHEST_HZ`.
    beat : float
        How much of the second voice there is, 0 to 1; with it the tone wavers `BEAT_HZ` times a second.
    """

    level: float
    pitch_hz: float = LOWEST_HZ
    beat: float = 0.0


SILENCE = Tone(0.0)


class Glide:
    """A number that moves to each new value in a straight line.

    Parameters
    ----------
    value : float
        Where it begins.
    length : int
        Samples that a change takes.
    """

    def __init__(self, value: float, length: int) -> None:
        self._from = self._to = value
        self._length = length
        self._done = length

    def aim(self, value: float) -> None:
        """Move to `value` from the next sample on."""
        if value != self._to:
            self._from, self._to, self._done = self._at(self._done), value, 0

    def jump(self, value: float) -> None:
        """Be at `value` from the next sample on."""
        self._from = self._to = value
        self._done = self._length

    @property
    def rests_at(self) -> float | None:
        """The value, if it does not move."""
        return self._to if self._done >= self._length else None

    def take(self, n: int) -> NDArray[np.float64]:
        """Give the next values, shape (n,)."""
        left = np.maximum(self._length - np.arange(self._done, self._done + n), 0)
        self._done = min(self._done + n, self._length)
        return self._to - (self._to - self._from) * (left / self._length)

    def _at(self, done: int) -> float:
        return self._to - (self._to - self._from) * ((self._length - done) / self._length)


class Singer:
    """Makes the samples of a tone that changes.

    Parameters
    ----------
    rate_hz : float
        Samples a second.
    """

    def __init__(self, rate_hz: float) -> None:
        length = round(_GLIDE_S * rate_hz)
        self._rate_hz = rate_hz
        self._level, self._beat = Glide(0.0, length), Glide(0.0, length)
        self._pitch_hz = Glide(LOWEST_HZ, length)
        self._phases = np.zeros(2, np.int64)

    def aim(self, tone: Tone) -> None:
        """Move to `tone` from the next sample on; out of silence only the level moves, into silence too."""
        if tone.level > 0:
            move = Glide.jump if self.silent else Glide.aim
            move(self._pitch_hz, min(max(tone.pitch_hz, LOWEST_HZ), HIGHEST_HZ))
            move(self._beat, min(max(tone.beat, 0.0), 1.0))
        self._level.aim(min(max(tone.level, 0.0), LOUDEST))

    @property
    def silent(self) -> bool:
        """Whether nothing is heard, and nothing will be without a new tone."""
        return self._level.rests_at == 0.0

    def take(self, n: int) -> NDArray[np.float64]:
        """Give the next samples, shape (n,), -`LOUDEST` to `LOUDEST`."""
        pitch_hz, beat = self._pitch_hz.take(n), self._beat.take(n)
        first, second = self._voice(0, pitch_hz), self._voice(1, pitch_hz + BEAT_HZ)
        return self._level.take(n) * (first + beat * second) / (1 + beat)

    def _voice(self, which: int, pitch_hz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the next samples of one voice, shape (n,), -1 to 1."""
        steps = np.rint(pitch_hz * (_CYCLE / self._rate_hz)).astype(np.int64)
        phases = (self._phases[which] + np.cumsum(steps)) % _CYCLE
        if len(phases):
            self._phases[which] = phases[-1]
        at, beyond = np.divmod(phases, _CYCLE // _STEPS)
        voice: NDArray[np.float64] = _VOICE[at] + (_VOICE[at + 1] - _VOICE[at]) * (beyond * (_STEPS / _CYCLE))
        return voice
