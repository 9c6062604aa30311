"""The loudspeaker: plays what a mixer makes, and goes on without one. The one module that knows PortAudio."""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import numpy as np

from gluteemg.coaching.cue import Sign
from gluteemg.coaching.message import Message
from gluteemg.sound.mixer import Mixer
from gluteemg.sound.tone import SILENCE, Tone

_log = logging.getLogger(__name__)
LATENCY_S = 0.04
"""Sound that is prepared ahead (chosen: little beside the 250 ms by which a 500 ms mean is late; the least that a busy
interpreter does not interrupt)."""
RETRY_S = 2.0
"""How often another output is looked for while there is none (chosen)."""
CHECK_S = 1.0
"""An output that takes no sample for so long is gone: not every system tells (chosen: 25 times what is prepared ahead)."""
_COMMANDS = 64
"""Commands that may wait for the next block (chosen: a block of 40 ms meets two or three)."""


class Speaker:
    """The sound output in use; a context manager.

    Looks for an output on a thread of its own, `gluteemg-sound`, so nothing waits for it: at first, and again whenever it is
    gone. Samples are made on PortAudio's thread, at the output's own rate.

    Attributes
    ----------
    trouble : Message or None
        Why nothing is heard; None while it plays, and until it is known.
    """

    def __init__(self) -> None:
        self.trouble: Message | None = None
        self._commands: deque[Tone | Sign] = deque(maxlen=_COMMANDS)
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="gluteemg-sound", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.set()
        self._thread.join(2 * CHECK_S)

    def aim(self, tone: Tone) -> None:
        """Sound like this from now on, for a moment; see `Mixer.aim`."""
        self._commands.append(tone)

    def play(self, sign: Sign) -> None:
        """Play a sign."""
        self._commands.append(sign)

    def _run(self) -> None:
        """Play until it is closed, on whatever output there is."""
        try:
            import sounddevice
        except ImportError:
            self.trouble = Message("sound.no_library")
            return
        except OSError:  # the library is here, PortAudio is not
            self.trouble = Message("sound.no_portaudio")
            return
        while not self._closing.is_set():
            try:
                if self.trouble is not None:  # PortAudio sees new outputs only when it begins anew
                    with suppress(sounddevice.PortAudioError):
                        sounddevice._terminate()
                    sounddevice._initialize()
                self._play(sounddevice)
            except sounddevice.PortAudioError as error:
                _log.debug("no sound output: %s", error)
            if not self._closing.is_set():
                self.trouble = Message("sound.no_output")
                self._closing.wait(RETRY_S)

    def _play(self, sounddevice: Any) -> None:
        """Play until it is closed or the output is gone."""
        output = sounddevice.query_devices(kind="output")
        mixer, finished, taken = Mixer(output["default_samplerate"]), threading.Event(), 0
        self._commands.clear()  # nothing of what has waited is true any more

        def fill(block: Any, n: int, _time: Any, _status: Any) -> None:
            nonlocal taken
            self.trouble = None
            closing = self._closing.is_set()  # asked first: what was commanded before it is still played
            self._command(mixer)
            if closing:
                mixer.aim(SILENCE)
            block[:] = mixer.take(n)[:, np.newaxis]
            taken += n
            if closing and mixer.quiet:
                raise sounddevice.CallbackStop

        stream = sounddevice.OutputStream(
            samplerate=output["default_samplerate"],
            channels=min(2, output["max_output_channels"]),
            dtype="float32",
            latency=LATENCY_S,
            callback=fill,
            finished_callback=finished.set,
        )
        try:
            stream.start()
            before = -1
            while not finished.wait(CHECK_S) and taken > before:
                before = taken
        finally:
            stream.close(ignore_errors=True)

    def _command(self, mixer: Mixer) -> None:
        """Pass on what has been asked for since the last block."""
        while self._commands:
            command = self._commands.popleft()
            if isinstance(command, Tone):
                mixer.aim(command)
            else:
                mixer.play(command)
