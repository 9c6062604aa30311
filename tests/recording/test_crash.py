from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from gluteemg.recording.file import Recording
from gluteemg.sensors.source import Packet

_ROOT = Path(__file__).parents[2]
_MOST_LOST_S = 0.25
_CHILD = textwrap.dedent(
    """
    import struct, sys, time
    from pathlib import Path
    from gluteemg.muscles import Placement, Role
    from gluteemg.recording.file import Recorder
    from gluteemg.sensors.profile import FirmwareProfile
    from gluteemg.sensors.source import Packet

    target, profile = sys.argv[1:]
    profile = FirmwareProfile.parse(Path(profile).read_text(encoding="utf-8"), "profile")
    with Recorder(Path(target), {"a": profile}, [Placement("a", 0, Role("hamstrings", "left"))]) as recorder:
        for number in range(300):
            time.sleep(0.0025)
            t_ns = time.monotonic_ns()
            recorder.put([Packet("a", t_ns, struct.pack("<q", number) * 30)])
            print(number, t_ns, flush=True)
    print("closed", flush=True)
    """
)


def _kill_once(path: Path, after_s: float) -> tuple[float, str | None]:
    """Record in another process, kill it `after_s` after its first packet; give the seconds lost and what the file says."""
    command = [sys.executable, "-c", _CHILD, str(path), str(_ROOT / "firmware_profiles/umyo-gatt.toml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        timer = threading.Timer(after_s, child.send_signal, [signal.SIGKILL])
        timer.start()
        *_, last = [first, *(line for line in child.stdout if line.endswith("\n") and line != "closed\n")]
        timer.join()
    number, t_ns = map(int, last.split())
    recording = Recording.open(path)
    packets = [p for block in recording.items() for p in block if isinstance(p, Packet)]
    assert [int.from_bytes(p.data[:8], "little") for p in packets] == list(range(len(packets)))
    if not packets:  # killed before the first commit: all of it is lost
        return (t_ns - int(first.split()[1])) / 1e9, recording.recovered
    assert len(packets) <= number + 2
    return max(0.0, (t_ns - packets[-1].t_ns) / 1e9), recording.recovered


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("kills", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_a_killed_recorder_loses_at_most_a_quarter_of_a_second(tmp_path: Path, kills: int) -> None:
    chance = random.Random(kills)
    lost_s = []
    for kill in range(kills):
        seconds, recovered = _kill_once(tmp_path / f"{kill}.emg", chance.uniform(0.0, 0.9))  # the last ones hit the closing
        lost_s.append(seconds)
        assert recovered is None or "was not closed in order" in recovered
    print(f"worst loss of {kills} kills: {max(lost_s):.3f} s")  # noqa: T201
    assert max(lost_s) <= _MOST_LOST_S
