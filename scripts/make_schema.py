"""Write the JSON Schema of the analysis document anew: ``.venv/bin/python scripts/make_schema.py``."""

import json
from pathlib import Path

from gluteemg.report.analysis import Analysis

TARGET = Path(__file__).parents[1] / "docs" / "analysis.schema.json"

if __name__ == "__main__":
    TARGET.write_text(json.dumps(Analysis.model_json_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
