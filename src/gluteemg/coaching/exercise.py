"""What a person practises: one TOML file an exercise."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gluteemg.activation.calibration import Method, Unit
from gluteemg.activation.pipeline import Aim
from gluteemg.activation.repetition import MOST_S
from gluteemg.definition import Definition, Part
from gluteemg.muscles import Muscle

_SLOWER = 1.5
"""How much slower than planned a repetition may be (chosen: a hold of 60 s may last 90 s)."""
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$")]


Situation = Literal[
    "low_share",
    "under_zone",
    "no_floor",
    "one_sided",
    "take_over",
    "early_fatigue",
    "too_fast",
    "not_letting_go",
    "cramp",
]
"""What a person may need a change for: hamstrings lead; just under the zone; the target does not reach its floor; one side does
much more; hamstrings take over within a set; the target gets tired early; quicker than planned; no rest between repetitions;
the person says that a muscle cramps."""
Posture = Literal["supine", "prone", "side_lying", "all_fours", "side_plank", "standing", "seated"]


class Phase(Part):
    """One part of a repetition; its words stand in ``texts/`` under its id.

    Parameters
    ----------
    id : str
        Such as ``lift``.
    tempo_s : float
        How long it is planned to take.
    breath : {"in", "out", "free"}
        What the breath does meanwhile.
    cue : str, optional
        Id of the sentence that is said for it, ``cue.<cue>``, where its name alone is not enough.
    loose : bool
        Whether the muscles are to be at rest meanwhile: such a phase is no part of how long the work lasts.
    """

    id: Id
    tempo_s: float = Field(gt=0, le=120)
    breath: Literal["in", "out", "free"] = "free"
    cue: Id | None = None
    loose: bool = False


class Floor(Part):
    """Least activation of the target that counts as working, by kind of reference: a fraction of it."""

    mvic: float = Field(gt=0, le=1)
    ref: float = Field(gt=0, le=1)

    def of(self, unit: Unit | None) -> float | None:
        """Give the one for a unit; of a reference still to come, that of half efforts; None where a task stands for 100 %."""
        return None if unit == "%TASK" else self.mvic if unit == "%MVIC" else self.ref


class Range(Part):
    """A number of times, from `least` to `most`."""

    least: int = Field(ge=1, le=50)
    most: int = Field(ge=1, le=50)

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least must not be over most, they are {self.least} and {self.most}")
        return self


class Dose(Part):
    """How much: sets of repetitions with rest between.

    Parameters
    ----------
    sets, reps : Range
        How many sets, and repetitions in each (of each side, where sides take turns or one works).
    rest_s : float
        Between sets.
    hold_s : float
        A last hold after the repetitions of a set; 0 for none.
    """

    sets: Range
    reps: Range
    rest_s: float = Field(ge=0, le=600)
    hold_s: float = Field(default=0.0, ge=0, le=120)


class Variant(Part):
    """One change of the set-up. Its words stand in ``texts/`` as ``advice.<id>`` and ``why.<id>``.

    Parameters
    ----------
    id : str
        Such as ``heels_close``.
    helps : tuple of Situation
        What it is offered for.
    opposes : tuple of str
        Variants of the same exercise that undo it.
    expect : str
        Which way it is expected to move which number.
    source : str
        Where that is known from; "chosen" with the reason, where from nowhere.
    equipment : tuple of str
        What it takes beyond the exercise itself, by id.
    """

    id: Id
    helps: tuple[Situation, ...] = Field(min_length=1)
    opposes: tuple[Id, ...] = ()
    expect: str
    source: str
    equipment: tuple[Id, ...] = ()


class Evidence(Part):
    """A published figure with its limits: context for the physiotherapist, never a pass mark.

    `n` is None where it is not known; `mean` and `sd` are in `unit`; `status` tells whether the source, or an account of it,
    was read.
    """

    source: str
    n: int | None = None
    population: str = ""
    condition: str = ""
    muscle: Muscle | None = None
    mean: float | None = None
    sd: float | None = None
    unit: str = "%MVIC"
    status: Literal["read", "unverified"] = "unverified"


class Exercise(Definition):
    """One exercise. Read one with ``Exercise.parse(text, name)``.

    Parameters
    ----------
    id : str
        Name of the file; its words are ``exercise.<id>``.
    stage : int
        Of the programme, 0 to 4.
    posture : Posture
        How the person is placed: decides whether a screen can be seen.
    side_mode : {"both", "one", "alternating"}
        Both sides at once, one side for a whole set, or turn by turn.
    target, watch : tuple of Muscle
        What is to do the work, and what is likely to do it instead.
    requires, degrades_to : tuple of Muscle
        What must be worn for all that is judged, and what is enough for a part of it; without sensors at all where that is
        empty: then it goes by time.
    floor : Floor, optional
        Least activation of the first target; none where nothing is to be reached.
    share_band : tuple of float, optional
        The ratio ``R = glutes / hamstrings``, ``[low, high]``, shown as a share; only for hip extension.
    phases : tuple of Phase
        Of one repetition, in order.
    dose : Dose
        How much of it.
    variants : tuple of Variant
        Changes that may help, the one to offer first before the others.
    channel : {"screen", "tone", "voice"}
        What the person can follow in this posture.
    equipment : tuple of str
        What it takes, by id: ``equipment.<id>``.
    contraindications : tuple of str
        When to leave it out, by id: ``contraindication.<id>``.
    stop : str
        When to stop, by id: ``stop.<id>``.
    evidence : tuple of Evidence
        What has been measured.
    """

    id: Id
    stage: int = Field(ge=0, le=4)
    posture: Posture
    side_mode: Literal["both", "one", "alternating"]
    target: tuple[Muscle, ...] = Field(min_length=1)
    watch: tuple[Muscle, ...] = ()
    requires: tuple[Muscle, ...] = ()
    degrades_to: tuple[Muscle, ...] = ()
    floor: Floor | None = None
    share_band: tuple[Annotated[float, Field(gt=0, le=10)], Annotated[float, Field(gt=0, le=10)]] | None = None
    phases: tuple[Phase, ...] = Field(min_length=1)
    dose: Dose
    variants: tuple[Variant, ...] = ()
    channel: Literal["screen", "tone", "voice"]
    equipment: tuple[Id, ...] = ()
    contraindications: tuple[Id, ...] = ()
    stop: Id
    evidence: tuple[Evidence, ...] = ()

    @property
    def aim(self) -> Aim:
        """Give the zone and the floors that the pipeline judges by."""
        planned_s = max(sum(phase.tempo_s for phase in self.phases), self.dose.hold_s)
        floor: dict[Method, float] = {} if self.floor is None else {"mvic": self.floor.mvic, "submaximal": self.floor.ref}
        return Aim(zone=self.share_band, floor=floor, target=self.target[0], longest_s=max(MOST_S, _SLOWER * planned_s))

    @property
    def work_s(self) -> float:
        """How long the muscles are planned to work in one repetition."""
        return sum(phase.tempo_s for phase in self.phases if not phase.loose)

    def slowed(self, times: float) -> Self:
        """Give it at a tempo so many times slower; what is loose between takes as long as before."""
        phases = tuple(p if p.loose else p.model_copy(update={"tempo_s": times * p.tempo_s}) for p in self.phases)
        return self.model_copy(update={"phases": phases})

    def phase_at(self, elapsed_s: float) -> tuple[str, float]:
        """Give the phase by the planned tempo, and how much of it has passed; a slower person stays in the last one."""
        for phase in self.phases:
            if elapsed_s < phase.tempo_s:
                return phase.id, elapsed_s / phase.tempo_s
            elapsed_s -= phase.tempo_s
        return self.phases[-1].id, 1.0

    @property
    def text_ids(self) -> tuple[str, ...]:
        """Ids of all words that it needs, each once; ``setup.<id>`` says how to get into position."""
        equipment = (*self.equipment, *(each for variant in self.variants for each in variant.equipment))
        ids = [f"exercise.{self.id}", f"setup.{self.id}", f"posture.{self.posture}", f"side_mode.{self.side_mode}"]
        ids += [f"{table}.{phase.id}" for phase in self.phases for table in ("phase", "then")]
        ids += [f"breath.{phase.breath}" for phase in self.phases]
        ids += [f"cue.{phase.cue}" for phase in self.phases if phase.cue is not None]
        ids += [f"{table}.{variant.id}" for variant in self.variants for table in ("advice", "why")]
        ids += [f"situation.{situation}" for variant in self.variants for situation in variant.helps]
        ids += [*(f"equipment.{each}" for each in equipment), *(f"contraindication.{each}" for each in self.contraindications)]
        return tuple(dict.fromkeys([*ids, f"stop.{self.stop}"]))

    @model_validator(mode="after")
    def _band_ascends(self) -> Self:
        if self.share_band is not None and self.share_band[0] >= self.share_band[1]:
            raise ValueError(f"share_band must ascend, is {list(self.share_band)}")
        return self

    @model_validator(mode="after")
    def _asks_for_what_it_judges(self) -> Self:
        if self.share_band is not None and not {"gluteus_maximus", "hamstrings"} <= set(self.requires):
            raise ValueError("a share_band requires gluteus_maximus and hamstrings")
        if self.floor is not None and self.target[0] not in self.requires:
            raise ValueError(f"a floor requires its target {self.target[0]}")
        if not set(self.degrades_to) <= set(self.requires):
            raise ValueError("degrades_to must be a part of requires")
        return self

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        ids = [variant.id for variant in self.variants]
        if len(set(ids)) < len(ids) or len({phase.id for phase in self.phases}) < len(self.phases):
            raise ValueError("every phase and every variant needs an id of its own")
        if all(phase.loose for phase in self.phases):
            raise ValueError("one phase at least must not be loose")
        if unknown := {other for variant in self.variants for other in variant.opposes} - set(ids):
            raise ValueError(f"opposes names {', '.join(sorted(unknown))}, which is no variant of it")
        return self
