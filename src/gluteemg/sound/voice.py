"""The voice: sentences spoken by the operating system, or by the person's screen reader. The one module that knows Prism.

It speaks in a process of its own: systems want to be asked from a main thread, may take seconds to begin, and their code must
not end a session. That process reads sentences, one a line, and ends with its input.
"""

from __future__ import annotations

import faulthandler
import locale
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from gluteemg.coaching.message import Message

_log = logging.getLogger(__name__)
_NO_LIBRARY, _NO_VOICE = 3, 4
"""How the process ends when it cannot speak."""
_ENDING_S = 1.0
"""How long the process may take to end before it is ended (chosen)."""
_PATIENCE_S = 30.0
"""How long a system may take to begin or to take a sentence (measured: Speech Dispatcher begins in 3 s; chosen: ten times)."""


class Voice:
    """Says the newest sentence, cutting off what is being said; a context manager.

    Parameters
    ----------
    language : str
        Of the sentences, such as ``en``.
    """

    def __init__(self, language: str) -> None:
        self._language = language

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, self._language],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the session
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin is not None
        self._sentences = self._process.stdin
        if sys.platform != "win32" or sys.version_info >= (3, 12):
            os.set_blocking(self._sentences.fileno(), False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._sentences.close()
        try:
            self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def trouble(self) -> Message | None:
        """Why nothing is spoken; None while all is well, and until it is known."""
        code = self._process.poll()
        return None if code is None else Message("sound.no_voice_library" if code == _NO_LIBRARY else "sound.no_voice")

    def say(self, sentence: str) -> None:
        """Say this now. Does not wait, and is lost when there is no voice: `trouble` says why."""
        line = " ".join(sentence.split()) + "\n"
        try:
            self._sentences.write(line.encode())
        except OSError as error:  # the process has ended
            _log.debug("not spoken: %s", error)


def main(language: str) -> int:
    """Say every sentence that comes in, the newest only; give the exit code of the process."""
    try:
        import prism
    except ImportError:
        return _NO_LIBRARY
    try:
        with _patience():
            system = prism.Context()
            voice = system.create_best()
            _choose(voice, language)
        while lines := os.read(sys.stdin.fileno(), 1 << 16):
            with _patience():
                voice.speak(lines.decode(errors="replace").splitlines()[-1], interrupt=True)
        if voice.features.supports_stop:
            voice.stop()
    except (prism.PrismError, RuntimeError, ValueError):  # what Prism raises when there is none is a ValueError
        return _NO_VOICE
    return 0


@contextmanager
def _patience() -> Iterator[None]:
    """End the process if what is done here does not come back: the speech service of a computer without sound may not."""
    faulthandler.dump_traceback_later(_PATIENCE_S, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def _choose(voice: Any, language: str) -> None:
    """Take a voice of this language where the computer has another; of several the plainest: ``en-gb``, not ``en-gb-x-rp``.

    A screen reader has no voices to choose from: it speaks as the person has set it.
    """
    can = voice.features
    if (locale.getlocale()[0] or "").lower().startswith(language) or not (
        can.supports_count_voices and can.supports_get_voice_language and can.supports_set_voice
    ):
        return
    spoken = [voice.get_voice_language(number).lower() for number in range(voice.voices_count)]
    fitting = [number for number, each in enumerate(spoken) if each.startswith(language)]
    if fitting:
        voice.voice = min(fitting, key=lambda number: len(spoken[number]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
