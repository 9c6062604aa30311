"""Check everything that a change must pass, after making the environment if need be: ``python3 scripts/check.py``.

Every step runs, also after one that found something; the exit code is 1 if any did.
"""

import argparse
import subprocess
import sys

from setup_env import ROOT, SetupError, ready, say

IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-logo'])"
STEPS = {
    "format": ["-m", "ruff", "format", "--check"],
    "lint": ["-m", "ruff", "check"],
    "imports": ["-c", IMPORT_LINTER],
    "types": ["-m", "mypy"],
    "tests": ["-m", "pytest"],
}


def main() -> int:
    """Run the steps and return the exit code."""
    parser = argparse.ArgumentParser(description="Check everything that a change must pass.")
    parser.add_argument("steps", nargs="*", metavar="step", help=f"only these: {', '.join(STEPS)} (all if none is named)")
    parser.add_argument("--slow", action="store_true", help="run the slow tests instead: other Pythons, the built wheel, …")
    options = parser.parse_args()
    if unknown := set(options.steps) - set(STEPS):
        parser.error(f"there is no step {', '.join(sorted(unknown))}; the steps are {', '.join(STEPS)}")
    try:
        python = ready()
    except SetupError as error:
        say(str(error))
        return 1
    steps = {"slow tests": [*STEPS["tests"], "-m", "slow"]} if options.slow else STEPS
    unhappy = []
    for name, command in steps.items():
        if options.slow or not options.steps or name in options.steps:
            say(f"— {name}")
            if subprocess.call([python, *command], cwd=ROOT) != 0:
                unhappy.append(name)
    if unhappy:
        say(f"Look again at: {', '.join(unhappy)}.")
    return 1 if unhappy else 0


if __name__ == "__main__":
    sys.exit(main())
