"""The whole of it: what is told is played and spoken, and a computer that can do neither goes on."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.sound.moments import WORK, ZONE, frame

from gluteemg.catalogue import load_texts
from gluteemg.coaching.cue import Sign
from gluteemg.coaching.message import Message
from gluteemg.coaching.texts import Texts
from gluteemg.sound.sound import Sound
from gluteemg.sound.speaker import Speaker
from gluteemg.sound.tone import SILENCE, Tone
from gluteemg.sound.voice import Voice

TROUBLES = ("no_library", "no_portaudio", "no_output", "no_voice_library", "no_voice")


class Listener(Speaker):
    """A loudspeaker that keeps what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Tone | Sign] = []

    def aim(self, tone: Tone) -> None:
        self.heard.append(tone)

    def play(self, sign: Sign) -> None:
        self.heard.append(sign)


@pytest.fixture(scope="module")
def texts() -> Texts:
    return load_texts("en")


@pytest.fixture
def nothing_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    (tmp_path / "prism.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("nothing_is_installed")
def test_a_computer_with_neither_sound_nor_voice_gives_two_notices_and_goes_on(texts: Texts) -> None:
    speaker, voice = Speaker(), Voice("en")
    with Sound(texts, speaker, voice) as sound:
        speaker._thread.join(10.0)
        voice._process.wait(10.0)
        cue = replace(WORK, signs=("rep",), spoken=(Message("advice.squeeze_more"),))
        for t_s in range(100):
            sound.hear(replace(cue), frame(t_s), ZONE, floor=0.4)
        notices = sound.notices
    assert len(notices) == 2
    assert "gluteemg[sound]" in notices[0]
    assert "gluteemg[voice]" in notices[1]
    assert "gluteemg-sound" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.usefixtures("nothing_is_installed")
def test_tone_and_signs_go_to_the_loudspeaker_in_order(texts: Texts) -> None:
    listener = Listener()
    with Sound(texts, listener) as sound:
        sound.hear(replace(WORK, signs=("begin", "count")), frame(1.0), ZONE)
        sound.hear(WORK, None)
    tone, *rest = listener.heard
    assert isinstance(tone, Tone)
    assert tone.level > 0
    assert rest == ["begin", "count", SILENCE]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_trouble_is_one_line_that_says_what_and_what_to_do(texts: Texts, trouble: str) -> None:
    said = texts.say(Message(f"sound.{trouble}"))
    assert "\n" not in said
    assert len(said) <= 128
    assert any(what in said for what in ("Install", "Connect", "Look into"))
