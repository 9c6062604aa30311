"""Tone and signs together: what goes to the loudspeaker."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from gluteemg.coaching.cue import Sign
from gluteemg.sound import signs, tone
from gluteemg.sound.tone import SILENCE, Glide, Singer, Tone

LIMIT = signs.LOUDEST + tone.LOUDEST
"""No sample is over it, of full scale: -8 dB."""
STALE_S = 0.5
"""How long a tone holds without a new one (chosen: as long as a signal may be bad before a word about it). No old share is
heard."""
_DUCKED = 0.3
"""Level of the tone under a sign (chosen: 10 dB lower)."""
_DUCK_S = 0.03
_BETWEEN_S = 0.1
"""Silence between two signs (chosen: so that two do not sound like one)."""
_WAITING = 3
"""Signs that may wait for one another; older ones give way (chosen: three last 2 s, later than that a sign says nothing)."""


class Mixer:
    """Makes every sample that is played. Nothing here knows of threads: one of them owns it.

    Commands hold from the next sample on. Cutting the same samples differently gives the same samples.

    Parameters
    ----------
    rate_hz : float
        Samples a second of the sound output.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._singer = Singer(rate_hz)
        self._duck = Glide(1.0, round(_DUCK_S * rate_hz))
        self._fresh = 0  # samples until the tone is stale
        self._waiting: deque[Sign] = deque(maxlen=_WAITING)
        self._sign: NDArray[np.float64] = np.empty(0)  # what is left of the present one

    def aim(self, tone: Tone) -> None:
        """Sound like this from now on, for `STALE_S` at most."""
        self._singer.aim(tone)
        self._fresh = round(STALE_S * self._rate_hz)

    def play(self, sign: Sign) -> None:
        """Play a sign, after those that wait."""
        self._waiting.append(sign)

    @property
    def quiet(self) -> bool:
        """Whether nothing is heard, and nothing will be without a command."""
        return self._singer.silent and not len(self._sign) and not self._waiting

    def take(self, n: int) -> NDArray[np.float32]:
        """Give the next samples, shape (n,), -`LIMIT` to `LIMIT`."""
        parts: list[NDArray[np.float64]] = []
        while n > 0:
            if not len(self._sign):
                self._begin_sign()
            length = min(n, len(self._sign) or n, self._fresh or n)
            parts.append(self._part(length))
            n -= length
        return np.concatenate([np.empty(0), *parts]).astype(np.float32)

    def _begin_sign(self) -> None:
        if self._waiting:
            pause = np.zeros(round(_BETWEEN_S * self._rate_hz))
            self._sign = np.concatenate([signs.samples(self._waiting.popleft(), self._rate_hz), pause])
        self._duck.aim(_DUCKED if len(self._sign) else 1.0)

    def _part(self, n: int) -> NDArray[np.float64]:
        """Give the next samples, of which no command, no end of a sign and no stale tone is in the midst."""
        part = self._singer.take(n) * self._duck.take(n)
        if len(self._sign):
            part += self._sign[:n]
            self._sign = self._sign[n:]
        if self._fresh:
            self._fresh -= n
            if not self._fresh:
                self._singer.aim(SILENCE)
        return part
