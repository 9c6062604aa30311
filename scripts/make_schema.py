"""Write the JSON Schemas of all files and documents into docs/ anew: ``.venv/bin/python scripts/make_schema.py``."""

import json
from pathlib import Path

from pydantic import BaseModel

from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.plan import Plan
from gluteemg.report.document import Analysis
from gluteemg.sensors.profile import FirmwareProfile

FOLDER = Path(__file__).parents[1] / "docs"

if __name__ == "__main__":
    models: dict[str, type[BaseModel]] = {"analysis": Analysis, "profile": FirmwareProfile, "exercise": Exercise, "plan": Plan}
    for name, model in models.items():
        text = json.dumps(model.model_json_schema(), indent=2, ensure_ascii=False)
        (FOLDER / f"{name}.schema.json").write_text(text + "\n", encoding="utf-8")
