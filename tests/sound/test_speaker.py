"""The loudspeaker: real PortAudio, into a device that is a file."""

from __future__ import annotations

import os
import subprocess
import sys
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gluteemg.coaching.message import Message
from gluteemg.sound.speaker import Speaker

DEVICE = """
pcm.!default {{ type file
  slave.pcm null
  file "{samples}"
  format raw }}
ctl.!default {{ type null }}
"""
PLAYED = """
import sys, threading
from gluteemg.sound import speaker
from gluteemg.sound.mixer import Mixer
from gluteemg.sound.tone import Tone

class Counted(Mixer):
    "A mixer that tells when a second has been taken from it."
    heard, taken = threading.Event(), 0
    def take(self, n):
        Counted.taken += n
        if Counted.taken > 48000:
            Counted.heard.set()
        return super().take(n)

speaker.Mixer, speaker.RETRY_S = Counted, 0.05
"""


@pytest.fixture
def alsa(tmp_path: Path) -> dict[str, str]:
    """An environment in which ALSA knows one device, which is a file; it does not wait for time to pass."""
    if sys.platform != "linux" or find_spec("sounddevice") is None:
        pytest.skip("needs Linux and the sound extra")
    if find_library("portaudio") is None or find_library("asound") is None:
        pytest.skip("PortAudio with ALSA is not here: install libportaudio2")
    return {**os.environ, "HOME": str(tmp_path)}


def run(script: str, environment: dict[str, str]) -> str:
    # sounddevice sets the shape of an array, which numpy 2.5 warns of
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning:sounddevice", "-c", PLAYED + script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def plug_in(home: Path) -> Path:
    samples = home / "samples.raw"
    (home / ".asoundrc").write_text(DEVICE.format(samples=samples), encoding="utf-8")
    return samples


def test_what_is_asked_for_reaches_the_device_and_ends_softly(alsa: dict[str, str], tmp_path: Path) -> None:
    samples = plug_in(tmp_path)
    script = """
with speaker.Speaker() as played:
    while not Counted.heard.wait(0.001):
        played.aim(Tone(0.1, 300.0))
    print(played.trouble, threading.active_count())
print([thread.name for thread in threading.enumerate()])
"""
    output = run(script, alsa)
    assert output.splitlines()[-1] == "['MainThread']"
    assert "None" in output
    heard = np.fromfile(samples, np.float32).reshape(-1, 2)
    assert np.array_equal(heard[:, 0], heard[:, 1])
    assert 0.05 < np.abs(heard).max() <= 0.1
    assert np.abs(np.diff(heard[:, 0])).max() < 0.02
    assert np.abs(heard[-10:]).max() < 0.001


def test_the_last_sign_is_heard_to_its_end(alsa: dict[str, str], tmp_path: Path) -> None:
    samples = plug_in(tmp_path)
    script = """
with speaker.Speaker() as played:
    Counted.heard.wait(10)
    played.play("done")
"""
    run(script, alsa)
    heard = np.abs(np.fromfile(samples, np.float32).reshape(-1, 2)[:, 0])
    assert np.count_nonzero(heard) > 0.4 * 44100
    assert not heard[-10:].any()


def test_a_device_that_goes_away_is_taken_again_when_it_is_back(alsa: dict[str, str], tmp_path: Path) -> None:
    plug_in(tmp_path)
    script = """
import sounddevice

class Unplugged(Counted):
    "A mixer that pulls the plug of its first device."
    made = 0
    def __init__(self, rate_hz):
        super().__init__(rate_hz)
        Unplugged.made += 1
    def take(self, n):
        if Unplugged.made == 1 and Counted.taken > 24000:
            raise sounddevice.CallbackAbort
        return super().take(n)

speaker.Mixer = Unplugged
with speaker.Speaker() as played:
    print(Counted.heard.wait(10), played.trouble, Unplugged.made)
"""
    assert run(script, alsa).split() == ["True", "None", "2"]


def test_a_device_that_takes_no_more_samples_is_given_up(alsa: dict[str, str], tmp_path: Path) -> None:
    plug_in(tmp_path)
    script = """
import sounddevice
given_up = threading.Event()

class Stream(sounddevice.OutputStream):
    def close(self, ignore_errors=True):
        given_up.set()
        super().close(ignore_errors)

class Stuck(Counted):
    "A mixer whose first device stops asking, until it is given up."
    made = 0
    def __init__(self, rate_hz):
        super().__init__(rate_hz)
        Stuck.made += 1
    def take(self, n):
        if Stuck.made == 1 and Counted.taken > 24000:
            given_up.wait(10)
        return super().take(n)

sounddevice.OutputStream, speaker.Mixer, speaker.CHECK_S = Stream, Stuck, 0.05
with speaker.Speaker() as played:
    while Stuck.made < 2:
        Counted.heard.wait(0.001)
    print(given_up.is_set())
"""
    assert run(script, alsa).split() == ["True"]


@pytest.fixture
def silent_computer(alsa: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment without any device."""
    if Path("/proc/asound/cards").is_file() and "no soundcards" not in Path("/proc/asound/cards").read_text():
        pytest.skip("this computer has a sound card")
    (tmp_path / ".asoundrc").write_text('pcm.!default { type hw\n card "none_is_called_so" }\n', encoding="utf-8")
    return alsa


def test_a_computer_without_a_sound_output_says_so_and_goes_on(silent_computer: dict[str, str]) -> None:
    script = """
while_nothing = threading.Event()
with speaker.Speaker() as played:
    while played.trouble is None:
        while_nothing.wait(0.001)
    for _ in range(1000):
        played.aim(Tone(0.1, 300.0))
        played.play("rep")
    print(played.trouble.id)
"""
    assert run(script, silent_computer).split() == ["sound.no_output"]


def test_a_device_that_comes_later_is_found(silent_computer: dict[str, str], tmp_path: Path) -> None:
    config = DEVICE.format(samples=tmp_path / "samples.raw")
    script = f"""
import pathlib
with speaker.Speaker() as played:
    while played.trouble is None:
        Counted.heard.wait(0.001)
    print(played.trouble.id)
    pathlib.Path({str(tmp_path / ".asoundrc")!r}).write_text({config!r})
    print(Counted.heard.wait(10), played.trouble)
"""
    assert run(script, silent_computer).split() == ["sound.no_output", "True", "None"]


def trouble_of(speaker: Speaker) -> Message | None:
    with speaker:
        speaker._thread.join(10.0)
        speaker.play("rep")
    return speaker.trouble


def test_a_computer_without_the_library_says_which_extra_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert trouble_of(Speaker()) == Message("sound.no_library")


def test_a_computer_without_portaudio_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text('raise OSError("PortAudio library not found")', encoding="utf-8")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert trouble_of(Speaker()) == Message("sound.no_portaudio")
