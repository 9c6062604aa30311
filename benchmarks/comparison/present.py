"""Which peers are here, at which version, and why the others are not."""

import importlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

ABSENT = Path(sys.prefix) / "absent.json"
MODULES = {
    "scipy": "scipy.signal",
    "neurokit2": "neurokit2",
    "biosppy": "biosppy.signals.emg",
    "brainflow": "brainflow.data_filter",
    "pyemgpipeline": "pyemgpipeline",
    "mne-lsl": "mne_lsl.stream",
    "mne": "mne",
    "pandas": "pandas",
}


def look() -> tuple[dict[str, str], dict[str, str]]:
    """Import every peer: give the versions of those that are here, and the reasons of those that are not."""
    reasons = json.loads(ABSENT.read_text("utf-8")) if ABSENT.is_file() else {}
    here, away = {}, {}
    for name, module in MODULES.items():
        try:
            importlib.import_module(module)
            here[name] = version(name)
        except (ImportError, OSError) as error:  # a library that its wheel expects of the system is an OSError
            away[name] = reasons.get(name) or "; ".join(reasons.values()) or str(error)
    return here, away
