"""What a check of the sensors says: does each muscle work alone, are two of them swapped, have levels drifted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.calibration import Calibration
from gluteemg.activation.protocol import Step
from gluteemg.definition import Detail, Part
from gluteemg.muscles import Role

DriftVerdict = Literal["good", "adjust", "recalibrate", "unknown"]
IsolationVerdict = Literal["good", "joined_in", "swapped", "unknown"]

DRIFT_ADJUST, DRIFT_RECALIBRATE = 0.15, 0.30
"""Change of a reference from start to end: up to 15 % is what repetitions of one effort differ by, over 30 % wants a new
calibration (the project's table of signal quality)."""


_BROKEN = "A check in the recording is broken, it has {faults}: do the check anew."


class Finding(Part):
    """How much one muscle joined in while another was asked for: `activation` is a fraction of its reference, if it has one."""

    step: str
    role: str
    activation: float | None
    at_most: float

    @property
    def held(self) -> bool | None:
        """Whether it stayed under its limit; None where it is not known."""
        return None if self.activation is None else self.activation < self.at_most


class Isolation(Detail):
    """Whether each muscle can work while the others stay out of it.

    Parameters
    ----------
    protocol : str
        Id of the protocol.
    findings : tuple of Finding
        One for each muscle that a step sets a limit.
    swapped : tuple of (str, str)
        Roles whose sensors seem to sit on each other's muscle.
    taken : str
        When, UTC in ISO 8601; empty if not known.
    """

    kind = "isolation"
    broken = _BROKEN

    protocol: str
    findings: tuple[Finding, ...]
    swapped: tuple[tuple[str, str], ...] = ()
    taken: str = ""

    @property
    def verdict(self) -> IsolationVerdict:
        """Give what it comes to: swapped sensors make every other finding void."""
        held = [finding.held for finding in self.findings]
        if self.swapped:
            return "swapped"
        return "joined_in" if False in held else "good" if held and None not in held else "unknown"


class Change(Part):
    """The same effort of one muscle at the start and now, floors taken off; None where it was not measured."""

    role: str
    start: float | None
    now: float | None

    @property
    def change(self) -> float | None:
        """Give ``now / start - 1``."""
        return None if not self.start or self.now is None else self.now / self.start - 1

    @property
    def verdict(self) -> DriftVerdict:
        """Give what the change comes to."""
        if self.change is None:
            return "unknown"
        size = abs(self.change)
        return "recalibrate" if size > DRIFT_RECALIBRATE else "adjust" if size >= DRIFT_ADJUST else "good"


class Drift(Detail):
    """How far the references have moved since they were taken.

    Parameters
    ----------
    protocol : str
        Id of the protocol.
    changes : tuple of Change
        One for each muscle that was asked for again.
    taken : str
        When, UTC in ISO 8601; empty if not known.
    """

    kind = "drift"
    broken = _BROKEN

    protocol: str
    changes: tuple[Change, ...]
    taken: str = ""

    @property
    def verdict(self) -> DriftVerdict:
        """Give the worst of the changes that are known."""
        order: tuple[DriftVerdict, ...] = ("unknown", "good", "adjust", "recalibrate")
        return max((change.verdict for change in self.changes), key=order.index, default="unknown")


def references_above_floor(calibration: Calibration | None, roles: Sequence[Role]) -> NDArray[np.float64]:
    """Give the references with the floor taken off in quadrature, shape (n_roles,); NaN where there is none."""
    levels = [None if calibration is None else calibration.level(role) for role in roles]
    powers = [np.nan if x is None or x.reference is None else x.reference**2 - x.floor**2 for x in levels]
    return np.sqrt(powers)


def isolation(
    protocol: str,
    steps: Sequence[Step],
    above: NDArray[np.float64],
    roles: Sequence[Role],
    calibration: Calibration | None,
) -> Isolation:
    """Judge how far each muscle worked alone.

    Parameters
    ----------
    protocol : str
        Id of the protocol.
    steps : sequence of Step
        The checks.
    above : ndarray of shape (n_steps, n_roles)
        RMS of each muscle in each of them with the floor taken off; NaN where it was not measured.
    roles : sequence of Role
        Columns.
    calibration : Calibration or None
        Has the references that limits are fractions of; without one there are no activations, but swapped sensors are seen.
    """
    fraction = above / references_above_floor(calibration, roles)
    findings = tuple(
        Finding(step=step.id, role=str(role), activation=_known(row[roles.index(role)]), at_most=at_most)
        for step, row in zip(steps, fraction.tolist(), strict=True)
        for muscle, at_most in step.at_most.items()
        for role in roles
        if role.muscle == muscle
    )
    return Isolation(protocol=protocol, findings=findings, swapped=_swapped(steps, above, roles))


def _swapped(steps: Sequence[Step], above: NDArray[np.float64], roles: Sequence[Role]) -> tuple[tuple[str, str], ...]:
    """Find the two sensors of a side whose signals make more sense the other way round.

    A muscle is compared with itself: the one that a step asks for must rise there more than it does in the other step. So
    neither the thickness of the tissue under a sensor matters nor its gain, and no reference, which swapped sensors would have
    spoiled. For muscle g of step G and h of step H, labels and muscles agree as long as ``G[g] H[h] > G[h] H[g]``.
    """
    most: dict[str, tuple[float, tuple[str, str]]] = {}  # by side
    for (i, first), (j, second) in combinations(enumerate(steps), 2):
        for (g, one), (h, other) in permutations(enumerate(roles), 2):
            if one.side != other.side or not (_asks_only(first, one, other) and _asks_only(second, other, one)):
                continue
            as_labelled, crossed = above[i, g] * above[j, h], above[i, h] * above[j, g]
            if crossed > as_labelled:
                odds = crossed / as_labelled if as_labelled else np.inf
                most[one.side] = max(most.get(one.side, (0.0, ("", ""))), (odds, (str(one), str(other))))
    return tuple(pair for _, pair in most.values())


def _asks_only(step: Step, one: Role, not_other: Role) -> bool:
    return one.muscle in step.muscles and not_other.muscle not in step.muscles


def drift(
    protocol: str,
    asked: Sequence[bool],
    above: NDArray[np.float64],
    roles: Sequence[Role],
    calibration: Calibration,
) -> Drift:
    """Compare with the references of a calibration.

    Parameters
    ----------
    protocol : str
        Id of the protocol.
    asked : sequence of bool
        Which muscles were asked for again.
    above : ndarray of shape (n_roles,)
        Their RMS now, the floor taken off; NaN where it was not measured.
    roles : sequence of Role
        Columns.
    calibration : Calibration
        What it was at the start.
    """
    start = references_above_floor(calibration, roles)
    rows = zip(roles, asked, start.tolist(), above.tolist(), strict=True)
    changes = (Change(role=str(r), start=_known(was), now=_known(now)) for r, wanted, was, now in rows if wanted)
    return Drift(protocol=protocol, changes=tuple(changes))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
