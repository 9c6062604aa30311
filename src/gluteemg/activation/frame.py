"""The state of every muscle at one instant, on the common time grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag

FRAME_RATE_HZ = 100
"""Instants a second on the grid (chosen: finer than any envelope in use, a whole number of milliseconds)."""


class Verdict(IntEnum):
    """What the share says against the zone, as it stands on the screen."""

    MUTED = 0
    """No share just now: a signal of the ratio is missing, bad or not calibrated."""
    REST = 1
    """Neither muscle works enough for a share."""
    IN_ZONE = 2
    GLUTES_LEAD = 3
    """Above the zone, as good as in it."""
    JUST_UNDER = 4
    HAMSTRINGS_LEAD = 5


@dataclass(frozen=True, slots=True)
class Frame:
    """One instant, for a screen or a sound. What is not known is None, never a number.

    Parameters
    ----------
    t_s : float
        Seconds since session zero.
    activation, activation_fast : dict of Role to float or None
        Fraction of the reference, floor taken off; over 500 ms (for judging) and 125 ms (for moving bars).
    flags : dict of Role to Flag
        Trust in each signal.
    ln_ratio : float or None
        ``ln(glutes / hamstrings)`` over 500 ms; None at rest and when muted.
    share : float or None
        Glute share, 0 to 1; the same information as `ln_ratio`.
    verdict : Verdict
        The share against the zone, with its margin, hysteresis and dwell.
    rep_elapsed_s : float or None
        How long the present repetition has lasted; None between repetitions.
    """

    t_s: float
    activation: dict[Role, float | None]
    activation_fast: dict[Role, float | None]
    flags: dict[Role, Flag]
    ln_ratio: float | None
    share: float | None
    verdict: Verdict
    rep_elapsed_s: float | None

    def without_signal(self) -> Frame:
        """Give the same instant with nothing known, for when no sensor is left to make another."""
        nothing: dict[Role, float | None] = dict.fromkeys(self.flags)
        return Frame(self.t_s, nothing, nothing, dict.fromkeys(self.flags, Flag.ABSENT), None, None, Verdict.MUTED, None)


@dataclass(frozen=True, slots=True)
class Frames:
    """A run of instants as arrays, time first; NaN is "not known". ``frames[i]`` is a `Frame`.

    Parameters
    ----------
    roles : tuple of Role
        Columns of the two-dimensional arrays.
    index : ndarray of shape (n,), int64
        Number on the grid: ``t_s = index / FRAME_RATE_HZ``.
    envelope, envelope_fast : ndarray of shape (n, n_roles)
        Moving RMS over 500 and 125 ms, in the sensor's unit.
    activation, activation_fast : ndarray of shape (n, n_roles)
        Fraction of the reference with the rest floor taken off in quadrature.
    flags : ndarray of shape (n, n_roles), uint8
        Values of `Flag`.
    ln_ratio : ndarray of shape (n,)
        ``ln(glutes / hamstrings)``.
    verdict : ndarray of shape (n,), uint8
        Values of `Verdict`.
    rep_elapsed_s : ndarray of shape (n,)
        Age of the present repetition, NaN between repetitions.
    """

    roles: tuple[Role, ...]
    index: NDArray[np.int64]
    envelope: NDArray[np.float64]
    envelope_fast: NDArray[np.float64]
    activation: NDArray[np.float64]
    activation_fast: NDArray[np.float64]
    flags: NDArray[np.uint8]
    ln_ratio: NDArray[np.float64]
    verdict: NDArray[np.uint8]
    rep_elapsed_s: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, i: int) -> Frame:
        ln_ratio = _known(self.ln_ratio[i])
        return Frame(
            t_s=int(self.index[i]) / FRAME_RATE_HZ,
            activation={r: _known(a) for r, a in zip(self.roles, self.activation[i], strict=True)},
            activation_fast={r: _known(a) for r, a in zip(self.roles, self.activation_fast[i], strict=True)},
            flags={r: Flag(f) for r, f in zip(self.roles, self.flags[i].tolist(), strict=True)},
            ln_ratio=ln_ratio,
            share=None if ln_ratio is None else 1 / (1 + float(np.exp(-ln_ratio))),
            verdict=Verdict(int(self.verdict[i])),
            rep_elapsed_s=_known(self.rep_elapsed_s[i]),
        )

    @classmethod
    def join(cls, blocks: Sequence[Frames]) -> Frames:
        """Put runs of frames one after the other; at least one, which may be empty."""
        some = [block for block in blocks if len(block)]
        if len(some) <= 1:
            return (some or blocks)[0]
        arrays = [field.name for field in fields(cls) if field.name != "roles"]
        return cls(blocks[0].roles, *(np.concatenate([getattr(block, name) for block in some]) for name in arrays))

    @classmethod
    def none(cls, roles: tuple[Role, ...]) -> Frames:
        """No frames."""
        whole, plane, line = np.empty(0, np.int64), np.empty((0, len(roles))), np.empty(0)
        return cls(roles, whole, plane, plane, plane, plane, plane.astype(np.uint8), line, line.astype(np.uint8), line)


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
