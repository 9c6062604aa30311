"""A session that needs no hardware: a simulated person with virtual sensors on a virtual radio."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.repetition import REST_S
from gluteemg.catalogue import load_profile
from gluteemg.errors import GluteemgError
from gluteemg.muscles import Placement, Role
from gluteemg.sensors.ble import BleSource
from gluteemg.sensors.person import REST, SCENARIOS, Person
from gluteemg.sensors.simulator import SimulatedSensor
from gluteemg.sensors.virtual import VirtualRadio, VirtualSensor

WORN = {
    "uMyo-GX": Role("gluteus_maximus", "left"),
    "uMyo-GD": Role("gluteus_medius", "left"),
    "uMyo-HS": Role("hamstrings", "left"),
}
"""What the simulated person wears: uMyo sensors advertise seven letters."""


@dataclass
class _Start:
    """When the simulated person begins to follow the script: with the first samples of the last sensor."""

    waiting: set[str]
    t_s: float | None = None


class Demo:
    """A simulated person, what they wear, and the truth about them.

    Parameters
    ----------
    scenario : str
        One of `gluteemg.sensors.person.SCENARIOS`.
    seed : int
        Decides every random number.
    sensors : collection of str, optional
        Which of the sensors in `WORN` the person wears; all, if not given.

    Raises
    ------
    GluteemgError
        If there is no such scenario.
    MissingExtraError
        If the library for virtual sensors is not installed.
    """

    def __init__(self, scenario: str = "hamstring-led", seed: int = 0, sensors: Collection[str] | None = None) -> None:
        if scenario not in SCENARIOS:
            raise GluteemgError(f"There is no scenario {scenario!r}: use one of {', '.join(SCENARIOS)}.")
        profile = load_profile("umyo-gatt")
        self.scenario = scenario
        worn = {name: role for name, role in WORN.items() if sensors is None or name in sensors}
        self.placements = tuple(Placement(name, 0, role) for name, role in worn.items())
        self._person = Person(SCENARIOS[scenario], seed)
        self._start = _Start(set(worn))
        self._latest_s = 0.0
        simulated = [SimulatedSensor(name, profile, [role], self._person) for name, role in worn.items()]
        self.radio = VirtualRadio(VirtualSensor(s.name, profile, self._emg_of(s), lost=s.lost) for s in simulated)
        self.source = BleSource(dict.fromkeys(worn, profile), radio=self.radio)

    @property
    def truth(self) -> dict[str, Any]:
        """What the simulated person has really done so far: the true glute share, and the number of repetitions.

        A repetition counts once it has been followed by rest, as in the analysis.
        """
        t_s = self._latest_s - (self._start.t_s or 0.0) - REST_S
        return {"scenario": self.scenario, "share": self._person.share(t_s), "reps": len(self._person.reps(t_s))}

    def _emg_of(self, sensor: SimulatedSensor) -> Callable[[int, int], NDArray[np.float64]]:
        """Give the samples of a sensor, with the script beginning when all sensors stream; until then the person rests."""
        resting = int((REST.end_s - 1) * sensor.rate_hz)

        def emg(first_index: int, n: int) -> NDArray[np.float64]:
            start = self._start
            start.waiting.discard(sensor.name)
            self._latest_s = max(self._latest_s, (first_index + n) / sensor.rate_hz)
            if start.waiting:
                return sensor.emg(first_index % resting, n)
            if start.t_s is None:
                start.t_s = first_index / sensor.rate_hz
            return sensor.emg(max(0, first_index - round(start.t_s * sensor.rate_hz)), n)

        return emg
