"""One person's rest floor and reference for each muscle: what turns microvolts into activation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator, model_validator

from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.definition import Definition, Part, faults
from gluteemg.errors import DefinitionError, RoleError
from gluteemg.muscles import Muscle, Role
from gluteemg.processing.quality import Flag
from gluteemg.sensors.source import Event, Item

Method = Literal["mvic", "submaximal"]
Unit = Literal["%MVIC", "%REF"]

LEAST_OVER_FLOOR = 2.0
"""A reference must be twice the floor (6 dB): below, no ratio can be believed."""
MOST_RESTLESS = 2.0
"""The restless end of a rest may be twice its quiet end (chosen: 500 ms windows of steady noise differ by 20 %)."""


class Level(Part):
    """Floor and reference of one muscle, in the unit of its sensor.

    `reference` is None where none was taken. `working` and `tone`, the level of work and of posture between, are for cutting
    repetitions only, never for activation.
    """

    role: str
    floor: float = Field(ge=0)
    reference: float | None = Field(default=None, gt=0)
    working: float | None = Field(default=None, gt=0)
    tone: float = Field(default=0.0, ge=0)

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


class Calibration(Part):
    """Floors and references of a session, with how they were taken.

    Parameters
    ----------
    method : {"mvic", "submaximal"} or None
        How the references were taken; None if, and only if, there are none.
    floor_method : {"rest", "estimated"}
        From a rest that was asked for, or from the quietest windows of a recording.
    protocol : str
        Id of the protocol.
    window_s : float
        Length over which a reference was averaged; references over other windows do not compare.
    levels : tuple of Level
        One for each muscle, at most.
    taken : str
        When, UTC in ISO 8601; empty if not known.
    """

    method: Method | None
    floor_method: Literal["rest", "estimated"]
    protocol: str = ""
    window_s: float = Field(default=0.0, ge=0)
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
        return None if self.method is None else "%MVIC" if self.method == "mvic" else "%REF"

    def level(self, role: Role) -> Level | None:
        """Find the level of a muscle."""
        return next((level for level in self.levels if level.role == str(role)), None)

    @classmethod
    def from_json(cls, detail: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` gave, from the event of a recording.

        Raises
        ------
        DefinitionError
            If it is something else; one line names every fault.
        """
        try:
            return cls.model_validate(detail)
        except ValidationError as error:
            raise DefinitionError(
                f"The calibration in the recording is broken, it has {faults(error)}: give another one with --calibration."
            ) from error

    def to_json(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return self.model_dump(mode="json")


def recalibrated(items: Sequence[Item], calibration: Calibration) -> Sequence[Item]:
    """Put another calibration in the place of every one among the items: what came before it stays without.

    Where a recording has none, nothing changes: give the other one to the `Pipeline` from the start.
    """
    event = Event("calibration", calibration.to_json())
    return [event if isinstance(item, Event) and item.kind == "calibration" else item for item in items]


class Step(Part):
    """One step of a protocol: lie still, or contract some muscles, for a time.

    The first `lead_s` of it is for reacting and ramping up, and is not measured.
    """

    id: str
    kind: Literal["rest", "reference"]
    seconds: float = Field(gt=0, le=120)
    lead_s: float = Field(default=0.0, ge=0)
    pause_s: float = Field(default=0.0, ge=0)
    muscles: tuple[Muscle, ...] = ()

    @model_validator(mode="after")
    def _measures_something(self) -> Step:
        if self.seconds - self.lead_s < 0.5:
            raise ValueError("less than 0.5 s is left to measure after lead_s")
        if (self.kind == "reference") != bool(self.muscles):
            raise ValueError("a reference names its muscles, a rest names none")
        return self


class Protocol(Definition):
    """How to take a calibration: one TOML file in ``calibration/``. `pause_s` of a step passes before it begins."""

    id: str
    method: Method
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    tries: int = Field(default=3, ge=1, le=10)

    @model_validator(mode="after")
    def _rest_first(self) -> Protocol:
        if self.steps[0].kind != "rest":
            raise ValueError("the first step must be a rest")
        return self


class Calibrator:
    """Leads through a protocol and measures it, from frames alone.

    Parameters
    ----------
    protocol : Protocol
        What to ask for.
    roles : sequence of Role
        Muscles that are worn; a step whose muscles are not worn is left out.
    """

    def __init__(self, protocol: Protocol, roles: tuple[Role, ...]) -> None:
        worn = {r.muscle for r in roles}
        self._protocol = protocol
        self._roles = roles
        self._steps = tuple(s for s in protocol.steps if s.kind == "rest" or worn & set(s.muscles))
        self._number = 0
        self._try = 1
        self._begins: int | None = None  # grid index
        self._seen: list[Frames] = []
        self._floor = np.full(len(roles), np.nan)
        self._reference = np.full(len(roles), np.nan)
        self.rejected: str | None = None

    @property
    def step(self) -> Step | None:
        """The step that is asked for now; None when all are done."""
        return self._steps[self._number] if self._number < len(self._steps) else None

    def remaining_s(self, index: int) -> float:
        """Seconds until the present step ends, seen from a grid index; longer than the step while its pause lasts."""
        if self.step is None or self._begins is None:
            return 0.0
        return max(0.0, (self._begins - index) / FRAME_RATE_HZ + self.step.seconds)

    def feed(self, frames: Frames) -> Calibration | None:
        """Take the next frames; give the calibration once, when the last step is done.

        A step whose measurement cannot be used is asked for again, and `rejected` holds why (an id) until the step is done:
        ``moved`` during rest, ``too_quiet`` for a reference under twice the floor, ``no_signal``. After `Protocol.tries` tries
        a reference is left without a value; a floor is kept even if the last rest was restless, since without one there is
        nothing at all, and too high a floor only makes references harder to believe.
        """
        if self.step is None or not len(frames):
            return None
        self._seen.append(frames)
        while self.step is not None:
            if self._begins is None:
                self._begins = int(frames.index[0]) + round(self.step.pause_s * FRAME_RATE_HZ)
            end = self._begins + round(self.step.seconds * FRAME_RATE_HZ)
            if frames.index[-1] < end - 1:
                return None
            self._finish_step(end)
        return self._calibration()

    def _finish_step(self, end: int) -> None:
        step = self._steps[self._number]
        start = end - round((step.seconds - step.lead_s) * FRAME_RATE_HZ)
        index = np.concatenate([f.index for f in self._seen])
        rows = (index >= start) & (index < end)
        squares = np.concatenate([f.envelope for f in self._seen])[rows] ** 2
        usable = np.concatenate([f.flags for f in self._seen])[rows] < Flag.HEAVY_LOSS
        squares = np.where(usable, squares, np.nan)
        self.rejected = self._measure(step, squares)
        if self.rejected is None or self._try >= self._protocol.tries:
            self._number, self._try, self.rejected = self._number + 1, 1, None
        else:
            self._try += 1
        pause = 0 if self.step is None else round(self.step.pause_s * FRAME_RATE_HZ)
        self._begins = end + pause
        self._seen = self._seen[-1:]

    def _measure(self, step: Step, squares: NDArray[np.float64]) -> str | None:
        """Take floor or references from the squared envelope (n_frames, n_roles); give the id of a fault, or None."""
        columns = [i for i, r in enumerate(self._roles) if step.kind == "rest" or r.muscle in step.muscles]
        heard = np.isfinite(squares[:, columns]).mean(axis=0) >= 0.5
        silent = not heard.all()
        columns = [c for c, h in zip(columns, heard, strict=True) if h]
        if not columns:
            return "no_signal"
        rms = np.sqrt(np.nanmean(squares[:, columns], axis=0))
        if step.kind == "rest":
            self._floor[columns] = rms
            quiet, restless = np.nanquantile(np.sqrt(squares[:, columns]), [0.05, 0.95], axis=0)
            return "no_signal" if silent else "moved" if bool((restless > MOST_RESTLESS * quiet).any()) else None
        strong = rms > LEAST_OVER_FLOOR * self._floor[columns]
        self._reference[np.array(columns)[strong]] = rms[strong]
        return "no_signal" if silent else None if bool(strong.all()) else "too_quiet"

    def _calibration(self) -> Calibration:
        references = [s for s in self._steps if s.kind == "reference"]
        levels = tuple(
            Level(role=str(r), floor=float(f), reference=None if np.isnan(ref) else float(ref))
            for r, f, ref in zip(self._roles, self._floor, self._reference, strict=True)
            if not np.isnan(f)
        )
        return Calibration(
            method=self._protocol.method if any(x.reference for x in levels) else None,
            floor_method="rest",
            protocol=self._protocol.id,
            window_s=min((s.seconds - s.lead_s for s in references), default=0.0),
            levels=levels,
        )
