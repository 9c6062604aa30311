"""``gluteemg profiles``: the kinds of sensor that gluteemg can read, and what a maker needs to add one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gluteemg.cli.output import Json, print_json
from gluteemg.errors import DefinitionError, GluteemgError

if TYPE_CHECKING:
    from gluteemg.sensors.profile import FirmwareProfile

app = typer.Typer(help="Kinds of sensor that gluteemg can read, and how to add one.")

_LONG_S = 60.0
"""A counter that runs longer before it starts over is as good as one for ever (chosen: no connection is silent so long)."""

Name = Annotated[str, typer.Argument(metavar="PROFILE", help="Its id, or the path of a .toml file.")]
Seconds = Annotated[float, typer.Option(min=0.5, max=600, help="How many seconds of data.")]


@app.callback(invoke_without_command=True)
def profiles(context: typer.Context, as_json: Json = False) -> None:
    """List the kinds of sensor that gluteemg can read."""
    context.obj = as_json
    if context.invoked_subcommand is None:
        list_profiles(context, as_json)


@app.command("list")
def list_profiles(context: typer.Context, as_json: Json = False) -> None:
    """List the kinds of sensor, what each sends, and how far it is proven."""
    from gluteemg.catalogue import load_profiles

    known = load_profiles()
    if as_json or context.obj:
        print_json([_facts(p) for p in known])
        return
    width = max((len(p.id) for p in known), default=0) + 2
    typer.echo(f"{'id':<{width}}{'signal':<16}{'rate':>8}  {'band':<14}{'a lost packet':<20}proof")
    for p in known:
        channels, band = f"{p.signal.channels} × {p.signal.kind}", p.signal.usable_band_hz
        heard = "envelope" if band is None else f"to {band[1]:.0f} Hz"
        proof = f"{p.layout.replace('-', ' ')}, {_hardware(p)}"
        typer.echo(f"{p.id:<{width}}{channels:<16}{p.signal.rate_hz:>5.0f} Hz  {heard:<14}{_loss(p):<20}{proof}")


@app.command()
def check(context: typer.Context, profile: Name, as_json: Json = False) -> None:
    """Say everything that is wrong with a profile; for makers of sensors."""
    from gluteemg.catalogue import load_profile
    from gluteemg.sensors.proof import objections

    try:
        checked = load_profile(profile)
    except DefinitionError as error:
        faults: tuple[str, ...] = error.faults or (str(error),)
        remarks: tuple[str, ...] = ()
    else:
        found = objections(checked)
        faults, remarks = found.faults, found.remarks
        if profile.endswith(".toml") and Path(profile).stem != checked.id:
            faults = (*faults, f"id is {checked.id}, the file is called {Path(profile).stem}: it is found by one name only")
    if as_json or context.obj:
        print_json({"profile": profile, "faults": faults, "remarks": remarks})
    else:
        for fault in faults:
            typer.echo(f"fault   {fault}")
        for remark in remarks:
            typer.echo(f"remark  {remark}")
        if not faults:
            typer.echo(f"{profile} is in order: {_told(checked)}. Try it with `gluteemg profiles try {profile}`.")
    if faults:
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        raise GluteemgError(f"{profile} has {count}: mend what is listed, then check again.")


@app.command("try")
def try_(context: typer.Context, profile: Name, seconds: Seconds = 2.0, as_json: Json = False) -> None:
    """Stream from a virtual sensor made after a profile, through the same Bluetooth client as from a real one."""
    import asyncio
    from dataclasses import asdict

    from gluteemg.catalogue import load_profile
    from gluteemg.trial import try_twin

    tried = load_profile(profile)
    result = asyncio.run(try_twin(tried, seconds))
    if as_json or context.obj:
        print_json({"profile": tried.id, **asdict(result)})
        return
    typer.echo(
        f"{tried.id:<22}{result.packets:>6} packets {result.samples:>7} samples in {result.seconds:.1f} s, "
        f"{result.missing} lost, {result.unreadable} unreadable"
    )


@app.command()
def new(
    id_: Annotated[str, typer.Argument(metavar="ID", help="What to call it: small letters, digits and dashes.")],
    like: Annotated[str, typer.Option(help="The profile to start from: the one that is nearest to your sensor.")] = "synthetic",
) -> None:
    """Start a profile for a sensor of your own, in the present folder."""
    from gluteemg.catalogue import load_profile, user_folder

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", id_):
        raise typer.BadParameter(f"{id_!r}: an id has small letters, digits and dashes, such as my-sensor")
    text = load_profile(like).toml
    for key, value in (("id", id_), ("name", id_), ("vendor", "you"), ("source", "where the layout is written down")):
        text = re.sub(rf'^{key} = ".*?"', f'{key} = "{value}"', text, count=1, flags=re.MULTILINE)
    text = re.sub(r'^layout = ".*?"', 'layout = "unverified"', text, count=1, flags=re.MULTILINE)
    text = re.sub(r'^hardware = ".*?"', 'hardware = "untested"', text, count=1, flags=re.MULTILINE)
    target = Path(f"{id_}.toml")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(f"# {id_}, begun as a copy of {like}: change what your sensor does differently.\n{text}")
    except OSError as error:
        raise DefinitionError(
            f"{target} cannot be written ({error.strerror}): choose another id, or another folder."
        ) from error
    typer.echo(f"{target} is begun. Change it, then: gluteemg profiles check {target}")
    typer.echo(f"Once it is right, put it into {user_folder() / 'firmware_profiles'}: then it is found by itself.")


@app.command()
def schema() -> None:
    """Print the JSON Schema of profiles, for editors that check TOML while one types."""
    from gluteemg.sensors.profile import FirmwareProfile

    print_json(FirmwareProfile.model_json_schema())


def _facts(p: FirmwareProfile) -> dict[str, Any]:
    band = p.signal.usable_band_hz
    return {
        "id": p.id,
        "name": p.name,
        "vendor": p.vendor,
        "channels": p.signal.channels,
        "rate_hz": p.signal.rate_hz,
        "signal": p.signal.kind,
        "usable_band_hz": None if band is None else list(band),
        "unit": p.signal.unit,
        "scale": p.signal.scale_confidence,
        "loss_seen": p.counter is not None,
        "layout": p.layout,
        "hardware": p.hardware,
        "note": p.link.note,
        "source": p.source,
    }


def _loss(p: FirmwareProfile) -> str:
    """Say how well a lost packet shows."""
    if p.wrap_s is None:
        return "does not show"
    return "shows" if p.wrap_s > _LONG_S else f"shows, up to {p.wrap_s:.2g} s"


def _hardware(p: FirmwareProfile) -> str:
    return "no hardware" if p.hardware == "none" else f"{p.hardware} on hardware"


def _told(p: FirmwareProfile) -> str:
    """Put the main facts of a profile into words."""
    band = p.signal.usable_band_hz
    said = "an envelope" if band is None else f"{band[0]:.0f} to {band[1]:.0f} Hz of EMG"
    vectors = f"{len(p.vectors)} vector{'s' if len(p.vectors) > 1 else ''}"
    return f"{p.signal.channels} × {p.signal.kind} at {p.signal.rate_hz:g} Hz, {said}, {vectors} right"
