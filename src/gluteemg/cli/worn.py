"""What commands that listen to sensors have in common: which sensors are worn, and on which muscles."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from gluteemg.errors import DefinitionError, GluteemgError, RoleError

if TYPE_CHECKING:
    from gluteemg.activation.protocol import Protocol
    from gluteemg.coaching.exercise import Exercise
    from gluteemg.coaching.plan import Plan
    from gluteemg.coaching.texts import Texts
    from gluteemg.demo import Demo
    from gluteemg.muscles import Placement, Role
    from gluteemg.sensors.ble import BleSource
    from gluteemg.sensors.profile import FirmwareProfile

Roles = Annotated[
    list[str],
    typer.Option("--role", help="What a sensor sits on: SENSOR=MUSCLE:SIDE, or SENSOR/CHANNEL=… for each of several channels."),
]
Profiles = Annotated[
    list[str] | None, typer.Option("--profile", help="SENSOR=PROFILE where the name does not tell the kind of sensor.")
]
Find = Annotated[float, typer.Option("--find", min=1, help="How many seconds to look for the sensors.")]
Virtual = Annotated[
    str | None, typer.Option("--virtual", metavar="SCENARIO", help="Take virtual sensors: hamstring-led, shared or glute-led.")
]
ProtocolName = Annotated[
    str | None,
    typer.Option("--protocol", help="A protocol by its id, or a TOML file. Default: submaximal; of virtual sensors, demo."),
]
CalibrationFile = Annotated[
    str | None,
    typer.Option("--calibration", help="Take floor and references from this JSON file; `last` is the last one taken."),
]


class Worn(NamedTuple):
    """Sensors to listen to, and what each channel sits on."""

    source: BleSource
    placements: tuple[Placement, ...]

    @classmethod
    def of(cls, roles: list[str], profiles: list[str] | None, *, virtual: str | None, find_s: float) -> Worn:
        """Make it from options.

        Raises
        ------
        RoleError
            If a role or a channel does not exist.
        GluteemgError
            If nobody knows what kind of sensor one is, or a profile is given to one that has no role.
        """
        from gluteemg.catalogue import load_profiles
        from gluteemg.sensors.ble import BleSource

        placements = tuple(_placement(text) for text in roles)
        chosen = dict(pair(text, "SENSOR=PROFILE") for text in profiles or [])
        known = load_profiles()
        wanted = {p.sensor: _profile_for(p.sensor, chosen, known) for p in placements}
        if useless := sorted(set(chosen) - set(wanted)):
            raise GluteemgError(f"--profile names {', '.join(useless)}, which has no --role: check the name, or give it one.")
        radio = None if virtual is None else demo_of(virtual, {sensor.partition("@")[0] for sensor in wanted}).radio
        return cls(BleSource(wanted, radio=radio, find_timeout_s=find_s), placements)


def protocol_of(name: str | None, *, virtual: bool) -> Protocol:
    """Load the protocol that was asked for.

    Raises
    ------
    DefinitionError
        If there is none such, or it takes references from the simulated person, who follows that of the demo alone.
    """
    from gluteemg.catalogue import load_protocol

    protocol = load_protocol(name or ("demo" if virtual else "submaximal"))
    if virtual and protocol.method is not None and protocol.id != "demo":
        raise DefinitionError(
            f"The simulated person squeezes as the protocol demo asks, not {protocol.id}: leave --protocol out, or measure it "
            "in a plan, with `gluteemg train --virtual`."
        )
    return protocol


def texts_for(
    exercises: Iterable[Exercise] = (), protocols: Iterable[Protocol] = (), plan: Plan | None = None, language: str = "en"
) -> Texts:
    """Load the words, and see that those of what will be done are there before anything begins.

    Raises
    ------
    DefinitionError
        If there are no words for something.
    """
    from gluteemg.catalogue import load_texts, user_folder

    texts = load_texts(language)
    ids = [id for exercise in exercises for id in exercise.text_ids]
    ids += [f"reference.{step.id}" for protocol in protocols for step in protocol.steps]
    ids += () if plan is None else plan.text_ids
    if missing := texts.lacks(ids):
        own = user_folder() / "texts" / f"{texts.language}.toml"
        raise DefinitionError(f"There are no words for {', '.join(missing)}: write them into {own}.")
    return texts


def demo_of(scenario: str, sensors: Collection[str] | None = None) -> Demo:
    """Make a simulated person who wears some of the virtual sensors; all, if none of these is one."""
    from gluteemg.demo import WORN, Demo

    return Demo(scenario, sensors=set(WORN).intersection(sensors or ()) or None)


def pair(text: str, form: str) -> tuple[str, str]:
    """Cut ``LEFT=RIGHT`` in two."""
    left, equals, right = text.rpartition("=")
    if not equals or not left or not right:
        raise typer.BadParameter(f"{text!r} is not of the form {form}")
    return left, right


def role_of(text: str) -> Role:
    """Read a role such as ``hamstrings:right``."""
    from gluteemg.muscles import Role

    return Role.parse(text)


def _placement(text: str) -> Placement:
    from gluteemg.muscles import Placement

    where, role = pair(text, "SENSOR[/CHANNEL]=MUSCLE:SIDE")
    sensor, slash, channel = where.rpartition("/")
    if slash and not (channel.isascii() and channel.isdecimal()):
        raise RoleError(f"{channel!r} in {text!r} is not a channel: channels are numbers from 0.")
    return Placement(sensor if slash else where, int(channel) if slash else 0, role_of(role))


def _profile_for(sensor: str, chosen: dict[str, str], known: list[FirmwareProfile]) -> FirmwareProfile:
    """Find the profile of a sensor: the one that was named, or the one that its name tells."""
    from gluteemg.catalogue import load_profile
    from gluteemg.sensors.profile import recognise

    if sensor in chosen:
        return load_profile(chosen[sensor])
    found = recognise(sensor, (), known)
    if found is None:
        raise GluteemgError(f"The name {sensor!r} does not tell what kind of sensor it is: add --profile {sensor}=ID.")
    return found
