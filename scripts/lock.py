"""Pin every library in ``requirements.lock``, for every platform and Python that gluteemg runs on.

Run it after changing the dependencies in ``pyproject.toml``; add ``--upgrade`` to take the newest versions, or
``--upgrade-package NAME`` for one. It needs ``uv`` (``pip install uv``).
"""

import shutil
import subprocess
import sys

from setup_env import LOCK, ROOT, VENV, interpreter


def main() -> int:
    """Write the lock and return the exit code of uv."""
    uv = shutil.which("uv") or shutil.which("uv", path=interpreter(VENV).parent)
    if uv is None:
        print("uv is not here. Run: pip install uv. Then run the same command again.", file=sys.stderr)
        return 1
    command = [uv, "pip", "compile", "pyproject.toml", "--all-extras", "--group", "pyproject.toml:dev", "--universal"]
    command += ["--python-version", "3.11", "--generate-hashes", "--only-binary", ":all:", "--annotation-style", "line"]
    command += ["--custom-compile-command", "python3 scripts/lock.py", "--no-config", "--quiet", "--output-file", LOCK.name]
    return subprocess.call([*command, *sys.argv[1:]], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
