"""How a calibration is taken, or checked: one TOML file in ``calibration/``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gluteemg.activation.calibration import Method, Statistic
from gluteemg.definition import Definition, Part
from gluteemg.muscles import Muscle

StepKind = Literal["rest", "warm_up", "reference", "check", "drift"]

LEAST_MEASURED_S = 1.0
"""Least that must be left of a step to measure (chosen: two windows of 500 ms, so that none has to reach into the lead)."""
WINDOWS_S = (0.125, 0.25, 0.5, 1.0)
"""Windows that can be made of the two envelopes of a frame, 125 and 500 ms."""


class Step(Part):
    """One step of a protocol: lie still, or contract some muscles, for a time, once or several times.

    Parameters
    ----------
    id : str
        Its words stand in ``texts/`` under it.
    kind : {"rest", "warm_up", "reference", "check", "drift"}
        ``rest`` gives the floor, ``reference`` what stands for 100 %; a ``warm_up`` is asked for and not measured. A ``check``
        asks for one muscle and looks at the others; ``drift`` compares with the reference in force.
    seconds : float
        How long one trial is held.
    lead_s, tail_s : float
        Not measured at the start, for reacting and ramping up, and at the end.
    pause_s : float
        Passes before the first trial.
    between_s : float, optional
        Passes before each other trial; `pause_s`, if not given.
    muscles : tuple of Muscle
        What is to contract; none in a rest.
    trials : int
        How many trials must be good. A protocol has some to spare.
    agreement : float, optional
        The two best trials may be so far apart, as a fraction of the better one; until they are, more are asked for.
    effort : float, optional
        What is asked for, of 10.
    at_most : mapping of Muscle to float
        In a ``check``, how much other muscles may join in, as a fraction of their reference.
    """

    id: str
    kind: StepKind
    seconds: float = Field(gt=0, le=120)
    lead_s: float = Field(default=0.0, ge=0)
    tail_s: float = Field(default=0.0, ge=0)
    pause_s: float = Field(default=0.0, ge=0)
    between_s: float | None = Field(default=None, ge=0)
    muscles: tuple[Muscle, ...] = ()
    trials: int = Field(default=1, ge=1, le=5)
    agreement: float | None = Field(default=None, gt=0, lt=1)
    effort: float | None = Field(default=None, gt=0, le=10)
    at_most: Mapping[Muscle, Annotated[float, Field(gt=0, le=1)]] = Field(default_factory=dict)

    @property
    def measured_s(self) -> float:
        """Length of what is measured in a trial."""
        return self.seconds - self.lead_s - self.tail_s

    def pause_before_s(self, trial: int) -> float:
        """Give what passes before a trial, from 1."""
        return self.pause_s if trial == 1 or self.between_s is None else self.between_s

    @model_validator(mode="after")
    def _measures_something(self) -> Step:
        if self.measured_s < LEAST_MEASURED_S - 1e-9:
            raise ValueError(f"less than {LEAST_MEASURED_S:g} s is left to measure after lead_s and tail_s")
        if (self.kind != "rest") != bool(self.muscles):
            raise ValueError(f"a {self.kind} names {'no' if self.kind == 'rest' else 'its'} muscles")
        if self.at_most and self.kind != "check":
            raise ValueError("only a check says at_most")
        if self.agreement is not None and (self.kind != "reference" or self.trials < 2):
            raise ValueError("only a reference of two or more trials says agreement")
        return self


class Protocol(Definition):
    """How to take a calibration, or to check one.

    Parameters
    ----------
    id : str
        Name of the file.
    method : {"mvic", "submaximal", "task"}, optional
        Of its references; none where it takes none.
    statistic : {"mean", "max"}
        A reference is the RMS over all that is measured of a trial, and the median of the trials; or the greatest RMS over any
        `window_s` of a trial, and the greatest of the trials. Said here and not in a step, so that no calibration mixes them.
    window_s : float
        Of the ``max``: 0.125, 0.25, 0.5 or 1. 0.5 is what references are commonly stated with.
    spare_trials : int
        How many more trials than planned a step may take.
    steps : tuple of Step
        In order, a rest first.
    """

    id: str
    method: Method | None = None
    statistic: Statistic = "mean"
    window_s: float = 0.5
    spare_trials: int = Field(default=2, ge=0, le=10)
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Protocol:
        if self.steps[0].kind != "rest":
            raise ValueError("the first step must be a rest")
        if len({step.kind for step in self.steps} - {"rest", "warm_up"}) > 1:
            raise ValueError("a protocol takes references, or checks, or looks for drift: one of them")
        if (self.method is not None) != any(step.kind == "reference" for step in self.steps):
            raise ValueError("there must be a method where there are references, and none where there are none")
        return self

    @model_validator(mode="after")
    def _mixes_nothing(self) -> Protocol:
        references = [step for step in self.steps if step.kind == "reference"]
        if self.window_s not in WINDOWS_S:
            raise ValueError(f"window_s must be one of {', '.join(f'{w:g}' for w in WINDOWS_S)}")
        if self.statistic == "max" and any(step.measured_s <= self.window_s for step in references):
            raise ValueError("window_s must be shorter than what is measured of every reference")
        if self.statistic == "mean" and len({round(step.measured_s, 6) for step in references}) > 1:
            raise ValueError("every reference must be measured for the same time")
        return self

    @property
    def compares(self) -> bool:
        """Whether it looks for drift, and so takes references to compare with."""
        return any(step.kind == "drift" for step in self.steps)

    @property
    def averaged_s(self) -> float:
        """Length over which its references are averaged; 0 without any."""
        references = [step.measured_s for step in self.steps if step.kind == "reference"]
        return 0.0 if not references else self.window_s if self.statistic == "max" else references[0]
