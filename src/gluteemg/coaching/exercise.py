"""What a person practises: one TOML file an exercise."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gluteemg.activation.calibration import Method
from gluteemg.activation.pipeline import Aim
from gluteemg.activation.ratio import Zone
from gluteemg.activation.repetition import MOST_S
from gluteemg.definition import Definition, Part
from gluteemg.muscles import Muscle

_SLOWER = 1.5
"""How much slower than planned a repetition may be (chosen: a hold of 60 s may last 90 s)."""
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$")]


class Phase(Part):
    """One part of a repetition; its words stand in ``texts/`` under its id."""

    id: Id
    tempo_s: float = Field(gt=0, le=120)
    breath: Literal["in", "out", "free"] = "free"


class Floor(Part):
    """Least activation of the target that counts as working, by kind of reference: a fraction of it."""

    mvic: float = Field(gt=0, le=1)
    ref: float = Field(gt=0, le=1)


class Dose(Part):
    """How much: sets of repetitions with rest between."""

    sets: int = Field(ge=1, le=10)
    reps: int = Field(ge=1, le=50)
    rest_s: float = Field(ge=0, le=600)


class Variant(Part):
    """One change of the set-up, and which way it is expected to move the share."""

    id: Id
    expect: str


class Evidence(Part):
    """A published figure with its limits: context for the physiotherapist, never a pass mark."""

    source: str
    n: int | None = None
    population: str = ""
    condition: str = ""
    muscle: Muscle | None = None
    mean: float | None = None
    sd: float | None = None
    status: Literal["read", "unverified"] = "unverified"


class Exercise(Definition):
    """One exercise. Read one with ``Exercise.parse(text, name)``.

    `share_band` is stored as the ratio ``R = glutes / hamstrings`` ``[low, high]`` and shown as a share.
    """

    id: Id
    stage: int = Field(ge=0, le=4)
    posture: str
    side_mode: Literal["both", "one", "alternating"]
    target: tuple[Muscle, ...]
    watch: tuple[Muscle, ...] = ()
    requires: tuple[Muscle, ...] = ()
    degrades_to: tuple[Muscle, ...] = ()
    floor: Floor
    share_band: tuple[Annotated[float, Field(gt=0, le=10)], Annotated[float, Field(gt=0, le=10)]]
    phases: tuple[Phase, ...] = Field(min_length=1)
    dose: Dose
    variants: tuple[Variant, ...] = ()
    channel: Literal["screen", "tone", "voice"] = "screen"
    contraindications: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def aim(self) -> Aim:
        """Give the zone and the floors that the pipeline judges by."""
        planned_s = sum(phase.tempo_s for phase in self.phases)
        floor: dict[Method, float] = {"mvic": self.floor.mvic, "submaximal": self.floor.ref}
        return Aim(Zone(*self.share_band), floor, max(MOST_S, _SLOWER * planned_s))

    @model_validator(mode="after")
    def _band_ascends(self) -> Self:
        if self.share_band[0] >= self.share_band[1]:
            raise ValueError(f"share_band must ascend, is {list(self.share_band)}")
        return self
