"""Muscles, sides, and the role that one sensor channel plays in a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from gluteemg.errors import RoleError

Side = Literal["left", "right"]
Muscle = Literal[
    "gluteus_maximus",
    "gluteus_medius",
    "hamstrings",
    "biceps_femoris",
    "semitendinosus",
    "erector_spinae",
    "rectus_abdominis",
    "internal_oblique",
    "adductors",
    "tensor_fasciae_latae",
    "rectus_femoris",
    "vastus_medialis",
    "vastus_lateralis",
    "other",
]

MUSCLES: tuple[Muscle, ...] = get_args(Muscle)
SIDES: tuple[Side, ...] = get_args(Side)
HAMSTRINGS: frozenset[str] = frozenset({"hamstrings", "biceps_femoris", "semitendinosus"})
TRUNK: frozenset[str] = frozenset({"erector_spinae", "rectus_abdominis", "internal_oblique"})


@dataclass(frozen=True, slots=True, order=True)
class Role:
    """What a sensor channel stands for, once per session: ``gluteus_maximus:left``.

    Parameters
    ----------
    muscle : str
        One of `MUSCLES`. ``other`` may carry a number (``other2``), so that several fit in a session.
    side : {"left", "right"}
        The person's own left or right.
    """

    muscle: str
    side: str

    def __str__(self) -> str:
        return f"{self.muscle}:{self.side}"

    @classmethod
    def parse(cls, text: str) -> Role:
        """Read a role such as ``hamstrings:right``.

        Raises
        ------
        RoleError
            If the muscle or the side does not exist; the message lists those that do.
        """
        muscle, _, side = text.strip().partition(":")
        stem = muscle.rstrip("0123456789") if muscle.startswith("other") else muscle
        if stem not in MUSCLES:
            raise RoleError(f"Unknown muscle {muscle!r} in {text!r}: use one of {', '.join(MUSCLES)}.")
        if side not in SIDES:
            raise RoleError(f"Unknown side {side!r} in {text!r}: write MUSCLE:left or MUSCLE:right.")
        return cls(muscle, side)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one sensor channel sits.

    Parameters
    ----------
    sensor : str
        Name of the sensor, as it advertises itself. An address is a hint, never the key.
    channel : int
        Channel of that sensor, from 0.
    role : Role
        Muscle and side under it.
    """

    sensor: str
    channel: int
    role: Role


def check_placements(placements: Sequence[Placement], channels: Mapping[str, int]) -> None:
    """Refuse placements that cannot be.

    Parameters
    ----------
    placements : sequence of Placement
        What each channel stands for.
    channels : mapping of str to int
        How many channels each sensor has, by its name.

    Raises
    ------
    RoleError
        If a role or a channel is taken twice, or a sensor does not have the channel.
    """
    for p in placements:
        if not 0 <= p.channel < channels.get(p.sensor, 0):
            has = f"has channels 0 to {channels[p.sensor] - 1}" if p.sensor in channels else "is not among the sensors"
            raise RoleError(f"Channel {p.channel} of {p.sensor} cannot sit on {p.role}: {p.sensor} {has}.")
    roles = [p.role for p in placements]
    taken = [(p.sensor, p.channel) for p in placements]
    for role in roles:
        if roles.count(role) > 1:
            raise RoleError(f"{role} is given to two channels: each muscle and side can be used once in a session.")
    for sensor, channel in taken:
        if taken.count((sensor, channel)) > 1:
            raise RoleError(f"Channel {channel} of {sensor} has two roles: give it one.")
