"""Make the environment that gluteemg runs in: `.venv`, the pinned libraries, and what Qt needs of the system.

Used by the scripts beside it. It needs the standard library only, so a fresh machine can run it, and it does nothing
when nothing has changed. Progress goes to the error stream: the output of a command stays clean.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (this line is read by older versions too, to tell them so)
    sys.exit(
        f"gluteemg needs Python 3.11 or newer; this is {sys.version_info[0]}.{sys.version_info[1]}. "
        "Install a newer one and run the same command with it."
    )

import ctypes
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"

# The Debian and Ubuntu packages of the libraries that PySide6's wheel expects of the system (`readelf -d` on its
# libraries and on the offscreen, xcb and wayland plugins).
DEBIAN_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libportaudio.so.2": "libportaudio2",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}


class SetupError(Exception):
    """The environment cannot be made; the message is one line that says why and what to do."""


def ready() -> Path:
    """Return the interpreter of `.venv`, which is made or brought up to date first if need be.

    Raises
    ------
    SetupError
        If that cannot be done.
    """
    stamp = VENV / "gluteemg-ready"
    wanted = fingerprint()
    if not (interpreter(VENV).exists() and stamp.is_file() and stamp.read_text() == wanted):
        try:
            make_venv(VENV, sys.executable)
            install(VENV)
            bring_system_libraries(VENV)
        except KeyboardInterrupt:
            raise SetupError("Stopped before everything was there. The same command goes on from here.") from None
        stamp.write_text(wanted)
    return interpreter(VENV)


def fingerprint() -> str:
    """Return what the environment depends on, as a hash: the lock, pyproject, this folder's place and the Python."""
    place = f"{ROOT} {sys.version_info[:2]}".encode()
    return hashlib.sha256(place + LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()


def interpreter(venv: Path) -> Path:
    """Return where the Python of a virtual environment is."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_venv(venv: Path, python: str) -> None:
    """Make a virtual environment with this Python, unless a whole one is there; half of one is made anew."""
    if interpreter(venv).exists():
        whole = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
        if subprocess.run([interpreter(venv), "-c", whole], capture_output=True, check=False).returncode == 0:
            return
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "This Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv. "
            "Then run the same command again."
        )
    say(f"Making {venv.name} (once) …")
    made = subprocess.run([python, "-m", "venv", "--clear", venv], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        reason = last_line(made.stderr or made.stdout)
        raise SetupError(f"{venv} could not be made: {reason}. Mend that, then run the same command again.")


def install(venv: Path) -> None:
    """Install the pinned libraries, each checked against its hash, then gluteemg itself from this folder."""
    say(f"Installing the libraries of {LOCK.name} into {venv.name} (about 200 MB to fetch the first time) …")
    # Wheels only: a source archive would build with libraries that no hash pins.
    pip(venv, "--require-hashes", "--only-binary=:all:", "--requirement", str(LOCK))
    pip(venv, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def pip(venv: Path, *what: str) -> None:
    """Run `pip install`, with a running count on a terminal and one line if it does not work out."""
    command = [str(interpreter(venv)), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *what]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if line.startswith("Collecting") and sys.stderr.isatty():
                print(f"  {len(lines)} …", end="\r", file=sys.stderr, flush=True)
    if process.returncode != 0:
        raise SetupError(pip_trouble(lines))


def pip_trouble(lines: list[str]) -> str:
    """Return what to tell a person when pip stopped, from what it wrote."""
    if re.search(r"name resolution|getaddrinfo|NewConnectionError|ConnectTimeout|Network is unreachable", "\n".join(lines)):
        return "The package index cannot be reached. Connect to the network, then run the same command again."
    faults = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    fault = faults[0] if faults else last_line("\n".join(lines))
    return f"pip could not install the libraries: {fault.rstrip('.')}. Mend that, then run the same command again."


def bring_system_libraries(venv: Path) -> None:
    """On Linux, find the system libraries that Qt and sound lack; install them if we may, or say which they are."""
    if not sys.platform.startswith("linux"):
        return
    needed, sound = missing_qt_libraries(venv), missing_sound_library()
    if (needed or sound) and shutil.which("apt-get") and os.geteuid() == 0:
        apt_install(sorted({DEBIAN_PACKAGES[name] for name in needed | sound if name in DEBIAN_PACKAGES}))
        needed, sound = missing_qt_libraries(venv), missing_sound_library()
    if needed:
        raise SetupError(f"Qt needs system libraries that are not here: {how_to_get(needed)} Then run the same command again.")
    if sound:
        say(f"Sound stays off until PortAudio is here: {how_to_get(sound)}")


def missing_qt_libraries(venv: Path) -> set[str]:
    """Ask the dynamic linker which libraries Qt cannot find: for drawing off screen, and for the screen if there is one."""
    plugins = next(venv.glob("lib/python*/site-packages/PySide6/Qt/plugins/platforms"), None)
    if plugins is None or shutil.which("ldd") is None:
        return set()
    screens = {"WAYLAND_DISPLAY": "libqwayland.so", "DISPLAY": "libqxcb.so"}
    lacking = [missing(plugins / plugin) for variable, plugin in screens.items() if os.environ.get(variable)]
    return missing(plugins / "libqoffscreen.so") | min(lacking, key=len, default=set())  # Qt takes the screen that works


def missing(library: Path) -> set[str]:
    """Return the sonames that a library needs and the system lacks."""
    answer = subprocess.run(["ldd", library], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"^\s*(\S+) => not found", answer, flags=re.MULTILINE))


def missing_sound_library() -> set[str]:
    """Return PortAudio's soname if it is not here (other systems get it inside the wheel)."""
    name = "libportaudio.so.2"
    try:
        ctypes.CDLL(name)
    except OSError:
        return {name}
    return set()


def how_to_get(libraries: set[str]) -> str:
    """Say which libraries are missing and, on Debian and Ubuntu, the command that brings them."""
    packages = sorted({DEBIAN_PACKAGES[name] for name in libraries if name in DEBIAN_PACKAGES})
    if packages and shutil.which("apt-get"):
        return f"{', '.join(sorted(libraries))}. Run: sudo apt-get install {' '.join(packages)}."
    return f"{', '.join(sorted(libraries))}. Install the packages of your system that hold them."


def apt_install(packages: list[str]) -> None:
    """Install Debian packages (as root), or say why that did not work."""
    say(f"Installing system libraries: {' '.join(packages)} …")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        command = ["apt-get", "-q", *arguments]
        run = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=quiet, check=False)
        if run.returncode != 0:
            raise SetupError(
                f"apt-get {arguments[0]} stopped: {last_line(run.stderr)} "
                f"Run apt-get install {' '.join(packages)} yourself, then the same command again."
            )


def last_line(text: str) -> str:
    """Return the last line that is not empty."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no reason given")


def say(line: str) -> None:
    """Tell the person what is going on."""
    print(line, file=sys.stderr, flush=True)
