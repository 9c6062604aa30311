"""The voice: a real process, in which a stand-in for the system's voice tells what it was asked to say."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from gluteemg.coaching.message import Message
from gluteemg.sound import voice
from gluteemg.sound.voice import Voice

PRISM = '''
"""Speaks into a socket: one line a sentence; speaking goes on until a line comes back."""
import os, socket

class PrismError(Exception):
    pass

class Features:
    supports_count_voices = supports_get_voice_language = supports_set_voice = False
    supports_stop = True

class Speech:
    features = Features()
    def __init__(self):
        self._line = socket.create_connection(("127.0.0.1", int(os.environ["SPOKEN_TO"]))).makefile("rw", encoding="utf-8")
        self.voice = 0
    def speak(self, text, interrupt):
        assert interrupt
        self._tell(f"voice {self.voice}: {text}")
        if "gone" in text:
            raise PrismError("the voice is gone")
        self._line.readline()
    def stop(self):
        self._tell("stop")
    def _tell(self, text):
        print(text, file=self._line, flush=True)

class Context:
    def create_best(self):
        return Speech()
'''


class Room:
    """Hears what is spoken."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server

    def enter(self) -> None:
        """Wait until the voice is there."""
        self._connection, _ = self._server.accept()
        self._connection.settimeout(10.0)
        self._lines = self._connection.makefile("rw", encoding="utf-8")

    def hear(self) -> str:
        """Wait for what is said next; the voice goes on saying it."""
        return self._lines.readline().rstrip("\n")

    def finish(self) -> None:
        """Let the voice come to the end of its sentence."""
        print(file=self._lines, flush=True)

    def leave(self) -> None:
        self._lines.close()
        self._connection.close()


def prism(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Put this in the place of the library, for processes."""
    (tmp_path / "prism.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    prism(tmp_path, monkeypatch, PRISM)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10.0)
        monkeypatch.setenv("SPOKEN_TO", str(server.getsockname()[1]))
        heard = Room(server)
        yield heard
        heard.leave()


def test_a_sentence_is_spoken_and_the_voice_is_told_to_stop_at_the_end(room: Room) -> None:
    with Voice("fr") as speaking:
        room.enter()
        speaking.say("Talons\nplus près.")
        assert room.hear() == "voice 0: Talons plus près."
        room.finish()
        assert speaking.trouble is None
    assert room.hear() == "stop"


class Speech:
    """The voices of a computer, or of a screen reader that has none to choose from."""

    def __init__(self, *, many: bool) -> None:
        self.languages, self.voice = ["af", "DE-at-x", "de-DE", "en-US-x", "en-gb"], 0
        self.voices_count = len(self.languages)
        self.features = SimpleNamespace(supports_count_voices=many, supports_get_voice_language=many, supports_set_voice=many)

    def get_voice_language(self, number: int) -> str:
        return self.languages[number]


@pytest.mark.parametrize(
    ("computer", "language", "number"),
    [
        ("en_US", "de", 2),
        ("de_DE", "en", 4),
        (None, "en", 4),
        ("en_US", "en", 0),
        ("English_United States", "en", 0),
        ("en_US", "fr", 0),
    ],
)
def test_a_voice_is_chosen_only_where_the_computer_has_another_language(
    monkeypatch: pytest.MonkeyPatch, computer: str | None, language: str, number: int
) -> None:
    monkeypatch.setattr("locale.getlocale", lambda: (computer, "UTF-8"))
    speech, reader = Speech(many=True), Speech(many=False)
    voice._choose(speech, language)
    voice._choose(reader, language)
    assert (speech.voice, reader.voice) == (number, 0)


def test_only_the_newest_of_the_sentences_that_wait_is_spoken(room: Room) -> None:
    with Voice("en") as speaking:
        room.enter()
        speaking.say("First.")
        assert room.hear() == "voice 0: First."
        for sentence in ("Second.", "Third.", "Fourth."):
            speaking.say(sentence)
        room.finish()
        assert room.hear() == "voice 0: Fourth."
        room.finish()


@pytest.mark.skipif(sys.platform == "win32" and sys.version_info < (3, 12), reason="pipes wait on this Python")
def test_a_voice_that_hangs_holds_nobody_up(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "_ENDING_S", 0.01)
    with Voice("en") as speaking:
        room.enter()
        speaking.say("First.")
        room.hear()
        before = time.perf_counter()
        for _ in range(2000):
            speaking.say(
                "A sentence that nobody will ever hear, a hundred characters long, and that is about all there is to it."
            )
        assert time.perf_counter() - before < 5.0  # without end, if it waited
        assert speaking.trouble is None
    assert speaking._process.returncode is not None


def test_a_voice_that_is_gone_says_so_and_the_session_goes_on(room: Room) -> None:
    with Voice("en") as speaking:
        room.enter()
        speaking.say("I am gone.")
        room.hear()
        room.finish()
        speaking._process.wait(10.0)
        for _ in range(3):
            speaking.say("Nobody hears it.")
        assert speaking.trouble == Message("sound.no_voice")


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        ("raise ImportError('prism')", "sound.no_voice_library"),
        (
            "PrismError = OSError\nclass Context:\n    def create_best(self):\n        raise ValueError('none')",
            "sound.no_voice",
        ),
        ("PrismError = OSError\ndef Context():\n    raise RuntimeError('none')", "sound.no_voice"),
    ],
)
def test_a_computer_without_a_voice_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, trouble: str) -> None:
    prism(tmp_path, monkeypatch, code)
    with Voice("en") as speaking:
        speaking._process.wait(10.0)
        speaking.say("Nobody hears it.")
        assert speaking.trouble == Message(trouble)


def test_a_voice_that_never_begins_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prism(tmp_path, monkeypatch, "import threading\nPrismError = OSError\ndef Context():\n    threading.Event().wait()")
    impatient = "import sys; from gluteemg.sound import voice; voice._PATIENCE_S = 0.05; sys.exit(voice.main('en'))"
    done = subprocess.run([sys.executable, "-c", impatient], stderr=subprocess.DEVNULL, check=False, timeout=30)
    assert done.returncode not in (0, voice._NO_LIBRARY)


@pytest.mark.slow
def test_the_voice_of_this_computer_speaks() -> None:
    if find_spec("prism") is None:
        pytest.skip("needs the voice extra")
    command = [sys.executable, "-m", "gluteemg.sound.voice", "en"]
    quiet = subprocess.DEVNULL  # what is started to speak may go on, and would keep a pipe open
    done = subprocess.run(command, input=b"Hold it there.\n", stdout=quiet, stderr=quiet, check=False, timeout=60)
    if done.returncode != 0:
        pytest.skip("this computer has no voice: install speech-dispatcher, for one")
