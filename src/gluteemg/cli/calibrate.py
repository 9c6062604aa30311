"""``gluteemg calibrate``: follow a protocol, and nothing else: floor and references, a check of the sensors, drift."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gluteemg.cli.language import language_of
from gluteemg.cli.output import Json, print_json
from gluteemg.cli.worn import (
    CalibrationFile,
    Find,
    Profiles,
    ProtocolName,
    Roles,
    Virtual,
    Worn,
    pair,
    protocol_of,
    role_of,
    texts_for,
)
from gluteemg.errors import RoleError, SensorError

if TYPE_CHECKING:
    from gluteemg.activation.calibrator import Result


def calibrate(
    context: typer.Context,
    role: Roles,
    profile: Profiles = None,
    protocol: ProtocolName = None,
    calibration: CalibrationFile = None,
    placed: Annotated[
        list[str] | None, typer.Option(help="MUSCLE:SIDE=WHERE it sits, in your own words; kept with the calibration.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write what came of it into this JSON file.")] = None,
    find: Find = 10.0,
    as_json: Json = False,
    virtual: Virtual = None,
) -> None:
    """Take floor and references, or check the sensors: says what to do line by line, and what came of it."""
    from gluteemg.activation.calibration import Calibration
    from gluteemg.activation.calibrator import Calibrator
    from gluteemg.catalogue import load_calibration, save_last_calibration, save_result
    from gluteemg.coaching.coach import measuring_of
    from gluteemg.console import Teller, describe_calibration, describe_check, follow
    from gluteemg.session import Session, units_of

    followed = protocol_of(protocol, virtual=virtual is not None)
    in_force = None if calibration is None else load_calibration(calibration)
    places = {role_of(where): words for where, words in (pair(text, "MUSCLE:SIDE=WHERE") for text in placed or [])}
    worn = Worn.of(role, profile, virtual=virtual, find_s=find)
    if unworn := set(places) - {p.role for p in worn.placements}:
        raise RoleError(f"--placed names {', '.join(map(str, unworn))}, which has no --role: check it, or give it a sensor.")
    Calibrator(followed, [p.role for p in worn.placements], calibration=in_force)  # refuses what it cannot compare
    texts = texts_for(protocols=[followed], language=language_of(context))
    coach = measuring_of(followed, units=units_of(worn.source.profiles, worn.placements), placed=places)
    teller = Teller(texts)
    with Session(worn.source, worn.placements, coach, calibration=in_force, watchers=[teller.tell]) as session:
        follow(session)
    result = session.moment.result
    if not coach.done or result is None:
        raise SensorError("Stopped before the protocol was done: nothing was kept.")
    if output is not None:
        save_result(result, output)
    if isinstance(result, Calibration) and result.method is not None and virtual is None:
        save_last_calibration(result)
    if as_json:
        print_json(_document(result))
    elif isinstance(result, Calibration):
        typer.echo(describe_calibration(result, texts))
    else:
        typer.echo("\n".join(describe_check(result, texts)))


def _document(result: Result) -> dict[str, Any]:
    """Give a result as it is kept, with its kind and what follows from it."""
    from gluteemg.activation.calibration import Calibration

    if isinstance(result, Calibration):
        more: dict[str, Any] = {"snr_db": {level.role: level.snr_db for level in result.levels}}
    else:
        more = {"verdict": result.verdict}
    return {"kind": result.kind, **result.to_json(), **more}
