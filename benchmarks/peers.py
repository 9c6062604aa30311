"""Measure gluteemg beside the programs that people use for EMG today.

Run ``python3 benchmarks/peers.py``, or with ``--quick`` for a shortened run. It makes an environment of its own in
``.venv-peers`` (once, 900 MB: `benchmarks/peers.lock`), so none of them is ever a dependency of gluteemg, and measures there:
throughput, cost of a live chunk, the whole analysis, accuracy of onsets, agreement with independent references. It prints, and
writes to ``docs/benchmarks/peers.md`` and ``peers.png``. What cannot be installed is named with the reason; the rest goes on.
The parts are in ``benchmarks/comparison``.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "benchmarks" / "peers.lock"
VENV = ROOT / ".venv-peers"
ABSENT = VENV / "absent.json"
"""Packages that could not be installed, each with the reason."""

sys.path.append(str(ROOT / "scripts"))
from setup_env import SetupError, interpreter, make_venv, pip, say  # noqa: E402 (it lies in the folder named just above)


def ready() -> Path:
    """Return the interpreter of the peers' environment, which is made or brought up to date first if need be."""
    stamp = VENV / "peers-ready"
    parts = f"{ROOT} {sys.version_info[:2]}".encode(), LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes()
    wanted = hashlib.sha256(b"".join(parts)).hexdigest()
    if not (interpreter(VENV).exists() and stamp.is_file() and stamp.read_text() == wanted):
        make_venv(VENV, sys.executable)
        say(f"Installing what {LOCK.name} names into {VENV.name} (about 300 MB to fetch the first time) …")
        absent = install(LOCK)
        ABSENT.write_text(json.dumps(absent), encoding="utf-8")
        pip(VENV, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        if not absent:  # otherwise the next run tries again
            stamp.write_text(wanted)
    return interpreter(VENV)


def install(lock: Path) -> dict[str, str]:
    """Install a lock, all at once, or one by one if that does not work; return what is absent after that, and why."""
    try:
        pip(VENV, *locked(lock))
    except SetupError as error:
        say(f"{error} Going on one by one …")
    else:
        return {}
    absent = {}
    with tempfile.TemporaryDirectory() as folder:
        for entry in entries(lock.read_text("utf-8")):
            one = Path(folder) / "one.lock"
            one.write_text(entry, encoding="utf-8")
            try:
                pip(VENV, "--no-deps", *locked(one))
            except SetupError as error:
                absent[entry.split("==")[0]] = str(error)
    return absent


def locked(lock: Path) -> tuple[str, ...]:
    """Return what tells pip to take wheels with these hashes and nothing else."""
    return "--require-hashes", "--only-binary=:all:", "--requirement", str(lock)


def entries(text: str) -> list[str]:
    """Cut the text of a lock into one entry for each package, hashes included."""
    found: list[list[str]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith(" ") and found:
            found[-1].append(line)
        elif not line.startswith("#"):
            found.append([line])
    return ["".join(lines) for lines in found]


def main() -> int:
    """Measure in the peers' environment and return the exit code."""
    try:
        python = ready()
    except SetupError as error:
        say(str(error))
        return 1
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # one core for everybody
    command = [python, "-m", "benchmarks.comparison", *sys.argv[1:]]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, **one_thread})


if __name__ == "__main__":
    sys.exit(main())
