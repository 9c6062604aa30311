"""gluteemg on the real Linux Bluetooth stack: kernel, bluetoothd, D-Bus and bleak's own back end, and no hardware.

A virtual machine (`vm`) runs what stands in `scenarios.py`, all in one, in some three minutes; each scenario is a test here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
SCENARIOS = re.findall(r"^async def (test_\w+)", (HERE / "scenarios.py").read_text("utf-8"), re.MULTILINE)
PROGRAMS = ("qemu-system-x86_64", "busybox", "cpio", "depmod", "dbus-daemon", "dbus-send", "bluetoothd")
PACKAGES = ("qemu-system-x86", "seabios", "busybox-static", "cpio", "kmod", "dbus", "bluez")
SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/libexec/bluetooth", "/usr/lib/bluetooth"))
LIMIT_S = 600  # chosen: three times what it takes on two slow cores
PYTEST = (
    *("-m", "pytest", "-v", "--color=no", "-W", "error", "-c", os.devnull, "-p", "anyio", "-p", "no:cacheprovider"),
    *("--import-mode=importlib", "-o", "junit_family=xunit1"),
)
Outcomes = dict[str, str]


def missing() -> list[str]:
    return [program for program in PROGRAMS if shutil.which(program, path=SEARCHED) is None]


def have_programs() -> None:
    """Install what is missing where that can be done; skip aloud where not."""
    if sys.platform != "linux" or shutil.which("apt-get") is None:
        pytest.skip("the virtual machine with a Bluetooth stack is made of Debian's packages: this is no Debian")
    if missing() and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
            subprocess.run(["apt-get", "-qq", *command], env=quiet, stdin=subprocess.DEVNULL, check=False, timeout=300)
    if absent := missing():
        pytest.skip(f"no {', '.join(absent)}: run `apt-get install --no-install-recommends {' '.join(PACKAGES)}` as root")


@pytest.fixture(scope="module")
def outcomes(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run all scenarios in one machine; give what was wrong with each, nothing if all is well."""
    have_programs()
    assert pytestconfig.cache is not None
    kernel, shared = pytestconfig.cache.mkdir("bluez-kernel"), tmp_path_factory.mktemp("bluez")
    results, console = shared / "results.xml", shared / "console"
    inside = [sys.executable, *PYTEST, f"--rootdir={HERE.parents[1]}", f"--junitxml={results}", str(HERE / "scenarios.py")]
    environment = {**os.environ, "PATH": SEARCHED}
    command = [str(HERE / "vm"), str(kernel), str(shared), "env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", *inside]
    with console.open("wb") as file:
        try:
            subprocess.run(
                command, cwd=HERE.parents[1], env=environment, stdout=file, stderr=file, check=False, timeout=LIMIT_S
            )
        except subprocess.TimeoutExpired:
            file.write(f"\nThe machine was stopped after {LIMIT_S} s.\n".encode())
    said = "\n".join(console.read_text("utf-8", "replace").splitlines()[-60:])
    if not results.exists():
        if not (kernel / "initrd").exists():
            pytest.skip(f"the kernel for the virtual machine could not be had:\n{said}")
        pytest.fail(f"The virtual machine did not come to its end. The last of its console:\n{said}", pytrace=False)
    return {str(case.get("name")): fault_of(case) for case in ElementTree.parse(results).iter("testcase")}


def fault_of(case: ElementTree.Element) -> str:
    return "\n".join(f"{fault.get('message')}\n{fault.text}" for fault in case if fault.tag in ("failure", "error", "skipped"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_on_linux(scenario: str, outcomes: Outcomes) -> None:
    fault = outcomes.get(scenario, "it did not run")
    if fault:
        pytest.fail(fault, pytrace=False)
