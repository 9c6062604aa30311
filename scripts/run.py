"""Run gluteemg, after making its environment if need be: ``python3 scripts/run.py demo``.

Whatever follows the name of this script goes to the ``gluteemg`` command.
"""

import os
import signal
import subprocess
import sys

from setup_env import SetupError, ready


def main() -> int:
    """Run the ``gluteemg`` command and return its exit code."""
    try:
        gluteemg = str(ready().with_name("gluteemg"))
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    if os.name == "posix":
        os.execv(gluteemg, [gluteemg, *sys.argv[1:]])  # nothing stands between Ctrl-C and a recording being closed
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return subprocess.call([gluteemg, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
