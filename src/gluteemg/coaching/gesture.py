"""Hands-free control: two short squeezes of the glutes, with rest around them, start, pause and resume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag

SQUEEZE, REST = 0.30, 0.20
"""Fraction of the reference at which a squeeze begins, and which it has as RMS at least; and below which it ends (chosen: half
as hard as a reference squeeze is surely enough, and the noise of a signal of 10 dB hardly ever reaches it)."""
SHORTEST_S, LONGEST_S = 0.35, 1.15
"""Least mean effective length of the two, and greatest length of either (chosen: half a second is asked for, and a cough of
0.3 s comes out as 0.33 s, blurred by the window of 125 ms; squeezes down to 0.2 s would let coughs and steps in)."""
GAP_S = 0.08
"""Least rest between the two (chosen: 0.2 s of a muscle, of which the window takes most); `BEFORE_S` is more than the most."""
BEFORE_S, AFTER_S = 1.0, 0.6
"""Least rest before and after the two (chosen: quick repetitions come at 1 Hz or so)."""
APART_S = 0.4
"""How much longer than the rest between the two the rest around them is (chosen: the third of a row of repetitions has come by
then)."""
DIFFERENCE = 0.5
"""Most by which one squeeze is shorter or weaker than the other, side by side, as a fraction (chosen: people repeat a squeeze
within 20 % or so)."""
OTHERS = 0.4
"""Most of another muscle, as a fraction of the glutes (chosen: hamstrings that join in pass the isolation check up to 0.3)."""


class DoubleSqueeze:
    """Finds the gesture in the frames of a session. The cut of the frames into calls changes nothing.

    Two squeezes of gluteus maximus on either side or both, about half a second long, less than a second apart, alike in length,
    strength and side, with rest before and after. A third squeeze cancels them. So does every frame in which a gluteus maximus
    is lost or unusable, or comes back; a hole in the signal shows in such frames, so that much was lost in the last ten seconds
    (`Flag.HEAVY_LOSS`) does not count by itself. Another muscle with a reference must stay well below the glutes; gluteus
    medius joins in and is not looked at.

    A gesture is decided when the rest after it has been long enough: `AFTER_S`, or longer than the rest between the two by
    `APART_S`. From the end of the second squeeze that takes 0.7 to 1.4 s, of which 0.1 s is the fall of the envelope: 1.0 s for
    squeezes that are half a second apart.

    All levels are fractions of the reference, whatever its kind. Without a calibration nothing is known and there is no
    gesture; nor is there with a reference of less than 6 dB over the floor (`Flag.NO_SNR`).

    Parameters
    ----------
    roles : sequence of Role
        Columns of the frames. Without gluteus maximus there is never a gesture.

    Attributes
    ----------
    began_s : float or None
        When the first squeeze of the latest gesture began: what was counted as a repetition since then was none.
    """

    def __init__(self, roles: Sequence[Role]) -> None:
        self._glutes = [i for i, role in enumerate(roles) if role.muscle == "gluteus_maximus"]
        self._others = [i for i, role in enumerate(roles) if not role.muscle.startswith("gluteus")]
        self._heard = np.zeros(len(self._glutes), np.bool_)  # which of the glutes, in the last frame
        self._next = 0  # number of the frame that is to come
        self.began_s: float | None = None
        self._forget(0)

    def feed(self, frames: Frames) -> list[float]:
        """Take the next frames.

        Returns
        -------
        list of float
            When gestures were decided, seconds since session zero: the times of those frames.
        """
        if not len(frames):
            return []
        usable = (frames.flags <= Flag.HEAVY_LOSS) & ~np.isnan(frames.activation_fast)
        power = np.where(usable, frames.activation_fast, np.nan) ** 2
        heard = usable[:, self._glutes]
        before, expected = np.vstack((self._heard, heard[:-1])), np.append(self._next, frames.index[:-1] + 1)
        broken = (heard != before).any(axis=1) | ~heard.any(axis=1) | (frames.index != expected)
        self._heard, self._next = heard[-1].copy(), int(frames.index[-1]) + 1
        strongest = np.fmax.reduce(power[:, self._glutes], axis=1, initial=np.nan)
        found = []
        rows = zip(frames.index.tolist(), strongest.tolist(), power, broken.tolist(), strict=True)
        for at, glutes, row, is_broken in rows:
            if is_broken:
                self._forget(at)
            elif self._take(at, glutes, row):
                found.append(at / FRAME_RATE_HZ)
                self.began_s = self._squeezes[0].start / FRAME_RATE_HZ
        return found

    def _forget(self, at: int) -> None:
        """Begin anew: what was before is not known, so it was no rest."""
        self._squeezes: list[_Squeeze] = []  # those that have ended since there was long rest
        self._squeeze: _Squeeze | None = None  # the one that is going on
        self._rested = 0  # frames of rest before the first
        self._rest_from = at
        self._decides_at: int | None = None

    def _take(self, at: int, glutes: float, power: NDArray[np.float64]) -> bool:
        """Take one frame; tell whether it decides a gesture.

        Parameters
        ----------
        at : int
            Its number.
        glutes : float
            Power of the stronger gluteus maximus, the square of a fraction of the reference.
        power : ndarray of shape (n_roles,)
            The same of each muscle.
        """
        if self._squeeze is None and glutes >= SQUEEZE**2:
            rest = at - self._rest_from
            if rest >= _frames(BEFORE_S):
                self._squeezes, self._rested = [], rest
            self._squeeze, self._decides_at = _Squeeze(at, len(power)), None
        if self._squeeze is None:
            return at == self._decides_at
        if glutes >= REST**2:
            self._squeeze.add(glutes, power)
        else:
            self._end(self._squeeze, at)
        return False

    def _end(self, squeeze: _Squeeze, at: int) -> None:
        """End a squeeze; if it is the second of a pair, wait for the rest that shows that there is no third."""
        self._squeezes.append(squeeze)
        self._squeeze, self._rest_from = None, at
        if len(self._squeezes) == 2:
            first, second = self._squeezes
            gap = second.start - first.start - first.length
            around = gap + _frames(APART_S)
            if gap >= _frames(GAP_S) and self._rested >= around and self._are_pair(first, second):
                self._decides_at = at + max(_frames(AFTER_S), around)

    def _are_pair(self, first: _Squeeze, second: _Squeeze) -> bool:
        """Tell whether two squeezes are of the length and strength that is asked for, and alike, and the glutes' own."""
        shorter, longer = sorted((first.effective_length, second.effective_length))
        one, two = first.strength(self._glutes), second.strength(self._glutes)
        sizes = np.sqrt(np.nansum(one**2)), np.sqrt(np.nansum(two**2))
        apart = np.sqrt(np.nansum((one - two) ** 2))
        shares = [s.strength(self._others) / np.nanmax(s.strength(self._glutes)) for s in (first, second)]
        return bool(
            max(first.length, second.length) <= _frames(LONGEST_S)
            and shorter + longer >= 2 * _frames(SHORTEST_S)
            and shorter >= (1 - DIFFERENCE) * longer
            and min(np.nanmax(one), np.nanmax(two)) >= SQUEEZE
            and apart <= DIFFERENCE * max(sizes)
            and not (np.mean(shares, axis=0) > OTHERS).any()
        )


class _Squeeze:
    """One squeeze: when it began, how long it has lasted, how strong each muscle was."""

    def __init__(self, start: int, n_roles: int) -> None:
        self.start = start
        self.length = 0
        self._power = self._power_squared = 0.0
        self._powers = np.zeros(n_roles)

    def add(self, glutes: float, power: NDArray[np.float64]) -> None:
        """Take one frame of it."""
        self.length += 1
        self._power += glutes
        self._power_squared += glutes**2
        self._powers += power

    @property
    def effective_length(self) -> float:
        """Frames that hold most of its power: those of an even squeeze, whatever its strength, and where it is cut off."""
        return self._power**2 / self._power_squared

    def strength(self, columns: Sequence[int]) -> NDArray[np.float64]:
        """Give the RMS of some muscles as a fraction of their reference; NaN where it was not known all the time."""
        strength: NDArray[np.float64] = np.sqrt(self._powers[columns] / self.length)
        return strength


def _frames(seconds: float) -> int:
    return round(seconds * FRAME_RATE_HZ)
