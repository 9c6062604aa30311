"""What every command that gives results has in common: words by default, one JSON document if asked for."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of words.")]


def print_json(document: Any) -> None:
    """Print a document that JSON can hold; NaN is a fault of ours."""
    typer.echo(json.dumps(document, indent=2, allow_nan=False))
