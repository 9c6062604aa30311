"""One person's rest floor and reference for each muscle: what turns microvolts into activation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, field_validator, model_validator

from gluteemg.definition import Detail, Part
from gluteemg.errors import DefinitionError, RoleError
from gluteemg.muscles import Role
from gluteemg.sensors.source import Event, Item

Method = Literal["mvic", "submaximal", "task"]
"""Maximal efforts, efforts that are rated by the person, or a task that stands for 100 % of every muscle."""
Unit = Literal["%MVIC", "%REF", "%TASK"]
Statistic = Literal["mean", "max"]
SensorUnit = Literal["uV", "counts"]
_UNITS: Mapping[Method, Unit] = {"mvic": "%MVIC", "submaximal": "%REF", "task": "%TASK"}


class MeasuredTrial(Part):
    """One trial of one muscle, used or not: `value` is RMS in the unit of the sensor, `reason` (an id) why it is not used."""

    step: str
    value: float | None = Field(default=None, ge=0)
    reason: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the reference is made from it, among others."""
        return self.reason is None


class Level(Part):
    """Floor and reference of one muscle, in the unit of its sensor.

    Parameters
    ----------
    role : str
        Muscle and side.
    floor : float
        RMS at rest.
    reference : float or None
        RMS of the contraction that stands for 100 %, floor included (it is taken off in quadrature where activation is
        computed); None where none was taken.
    working, tone : float
        Level of work and of posture between, for cutting repetitions only, never for activation.
    unit : {"uV", "counts"} or None
        Unit of the sensor; None in calibrations older than this field.
    placement : str
        Where the sensor sits, in the person's own words.
    effort, rated : float or None
        Effort of 10 that was asked for, and how hard it felt afterwards. Who squeezed at 7 where 5 was asked for has a
        reference that is 40 % too high, as far as effort and EMG go together: the two widen the uncertainty.
    agreement : float or None
        How far apart the trials are that the reference is made of, the floor taken off: (largest - smallest) / largest.
        Those are the two best for a ``max``, all that were accepted for a ``mean``. None for a single one.
    spread : float or None
        Standard error of ``ln(reference)`` among these trials.
    trials : tuple of MeasuredTrial
        Every trial, in order.
    """

    role: str
    floor: float = Field(ge=0)
    reference: float | None = Field(default=None, gt=0)
    working: float | None = Field(default=None, gt=0)
    tone: float = Field(default=0.0, ge=0)
    unit: SensorUnit | None = None
    placement: str = ""
    effort: float | None = Field(default=None, gt=0, le=10)
    rated: float | None = Field(default=None, gt=0, le=10)
    agreement: float | None = Field(default=None, ge=0, le=1)
    spread: float | None = Field(default=None, ge=0)
    trials: tuple[MeasuredTrial, ...] = ()

    @field_validator("role")
    @classmethod
    def _is_role(cls, role: str) -> str:
        try:
            return str(Role.parse(role))
        except RoleError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _over_floor(self) -> Level:
        if self.reference is not None and self.reference <= self.floor:
            raise ValueError(f"the reference of {self.role}, {self.reference:g}, is not over its floor, {self.floor:g}")
        return self

    @property
    def snr_db(self) -> float | None:
        """Give ``20 log10(reference / floor)``: over 20 dB is good, under 10 thin, under 6 no ratio can be believed."""
        return None if self.reference is None or not self.floor else 20 * math.log10(self.reference / self.floor)


class Calibration(Detail):
    """Floors and references of a session, with how they were taken.

    Method, statistic and window are said once, for all muscles: references that were taken in different ways do not compare,
    so there is no way to write them into one calibration.

    Parameters
    ----------
    method : {"mvic", "submaximal", "task"} or None
        How the references were taken; None if, and only if, there are none.
    floor_method : {"rest", "estimated"}
        From a rest that was asked for, or from the quietest windows of a recording.
    protocol : str
        Id of the protocol.
    statistic : {"mean", "max"}
        The reference is the RMS over all of `window_s`, or the greatest RMS over any `window_s` of a trial.
    window_s : float
        Length over which a reference was averaged. The greatest over 250 ms is some 6 to 8 % more than over 500 ms for the
        very same effort.
    trial_s, floor_s : float
        Length of what was measured of each trial, and of the rest; 0 in calibrations older than these fields.
    levels : tuple of Level
        One for each muscle, at most.
    taken : str
        When, UTC in ISO 8601; empty if not known.
    """

    kind = "calibration"
    broken = "The calibration in the recording is broken, it has {faults}: give another one with --calibration."

    method: Method | None
    floor_method: Literal["rest", "estimated"]
    protocol: str = ""
    statistic: Statistic = "mean"
    window_s: float = Field(default=0.0, ge=0)
    trial_s: float = Field(default=0.0, ge=0)
    floor_s: float = Field(default=0.0, ge=0)
    levels: tuple[Level, ...]
    taken: str = ""

    @model_validator(mode="after")
    def _agrees(self) -> Calibration:
        roles = [level.role for level in self.levels]
        if len(set(roles)) < len(roles):
            raise ValueError(f"a muscle has two levels, among {', '.join(roles)}")
        if (self.method is not None) != any(level.reference is not None for level in self.levels):
            raise ValueError("there must be a method where there are references, and none where there are none")
        return self

    @property
    def unit(self) -> Unit | None:
        """How activation is printed; None without references."""
        return None if self.method is None else _UNITS[self.method]

    @property
    def comparable(self) -> bool:
        """Whether muscles, sides and efforts may be compared by it: not where one task stands for 100 % of all of them."""
        return self.method != "task"

    def level(self, role: Role) -> Level | None:
        """Find the level of a muscle."""
        return next((level for level in self.levels if level.role == str(role)), None)

    def fits(self, role: Role, unit: SensorUnit) -> bool:
        """Tell whether the level of a muscle, if it has one, is in this unit; an older one that does not say so is believed."""
        level = self.level(role)
        return level is None or level.unit is None or level.unit == unit

    def check(self, units: Mapping[Role, SensorUnit]) -> None:
        """Refuse to be applied to sensors that measure in another unit.

        Parameters
        ----------
        units : mapping of Role to {"uV", "counts"}
            Unit of the sensor on each muscle: ``profile.signal.unit``.

        Raises
        ------
        DefinitionError
            If a level is in another unit than its sensor; one line names every muscle.
        """
        if odd := [f"{role} (its sensor gives {unit})" for role, unit in units.items() if not self.fits(role, unit)]:
            raise DefinitionError(
                f"The calibration was taken in another unit for {', '.join(odd)}: take a new one with these sensors."
            )


def recalibrated(items: Sequence[Item], calibration: Calibration) -> Sequence[Item]:
    """Put another calibration in the place of every one among the items: what came before it stays without.

    Where a recording has none, nothing changes: give the other one to the `Pipeline` from the start.
    """
    event = Event("calibration", calibration.to_json())
    return [event if isinstance(item, Event) and item.kind == "calibration" else item for item in items]
