"""What this computer has: the first thing to put into a report of a problem."""

from __future__ import annotations

import asyncio
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from gluteemg.catalogue import names, user_folder
from gluteemg.errors import BluetoothError

_LIBRARIES = ("bleak", "numpy", "scipy", "pydantic", "anyio", "typer", "bumble", "PySide6-Essentials", "pyqtgraph")


def survey() -> dict[str, str]:
    """Give the facts by name: versions, libraries, Bluetooth, what is installed."""
    facts = {
        "gluteemg": version("gluteemg"),
        "Python": f"{platform.python_version()} ({sys.executable})",
        "system": platform.platform(),
        "processor": platform.machine(),
    }
    facts |= {library: _version(library) for library in _LIBRARIES}
    facts["Bluetooth"] = _bluetooth()
    facts["your own files"] = str(user_folder())
    facts["profiles"] = ", ".join(names("firmware_profiles"))
    facts["exercises"] = ", ".join(names("exercises"))
    return facts


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def _bluetooth() -> str:
    from gluteemg.sensors.ble import scan  # bleak loads the system's Bluetooth libraries

    try:
        found = asyncio.run(scan([], seconds=0.5))
    except BluetoothError as error:
        return str(error)
    return f"works, {len(found)} devices in sight"
