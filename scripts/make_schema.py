"""Write the JSON Schemas in docs/ anew, of analyses and of firmware profiles: ``.venv/bin/python scripts/make_schema.py``."""

import json
from pathlib import Path

from gluteemg.report.document import Analysis
from gluteemg.sensors.profile import FirmwareProfile

FOLDER = Path(__file__).parents[1] / "docs"

if __name__ == "__main__":
    for name, model in (("analysis", Analysis), ("profile", FirmwareProfile)):
        text = json.dumps(model.model_json_schema(), indent=2, ensure_ascii=False)
        (FOLDER / f"{name}.schema.json").write_text(text + "\n", encoding="utf-8")
