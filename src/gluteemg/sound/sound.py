"""Sound as one thing: what a session tells it is heard."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from gluteemg.activation.frame import Frame
from gluteemg.activation.ratio import Zone
from gluteemg.coaching.cue import Cue
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import Muscle
from gluteemg.sound.feedback import Feedback
from gluteemg.sound.speaker import Speaker
from gluteemg.sound.voice import Voice


class Sound:
    """Tone, signs and spoken sentences of a session; a context manager.

    A computer without sound or voice changes nothing but `notices`. `hear` never waits.

    Parameters
    ----------
    texts : Texts
        The words, for sentences and notices.
    speaker : Speaker
        Plays tone and signs.
    voice : Voice, optional
        Speaks the sentences; without one they are not spoken.
    """

    def __init__(self, texts: Texts, speaker: Speaker, voice: Voice | None = None) -> None:
        self._texts = texts
        self._speaker, self._voice = speaker, voice
        self._feedback = Feedback(texts)

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._speaker)
            if self._voice is not None:
                opened.enter_context(self._voice)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.close()

    @property
    def notices(self) -> tuple[str, ...]:
        """Why something is not heard, one line each, for as long as it is so."""
        troubles = (self._speaker.trouble, None if self._voice is None else self._voice.trouble)
        return tuple(self._texts.say(trouble) for trouble in troubles if trouble is not None)

    def hear(
        self,
        cue: Cue,
        frame: Frame | None,
        zone: Zone | None = None,
        target: Muscle = "gluteus_maximus",
        floor: float | None = None,
    ) -> None:
        """Let it be heard: from one thread, some ten times a second, or the tone goes stale and stops.

        Parameters are those of `Feedback.hear`.

        Raises
        ------
        DefinitionError
            If a sentence has no words in the texts.
        """
        heard = self._feedback.hear(cue, frame, zone, target, floor)
        self._speaker.aim(heard.tone)
        for sign in heard.signs:
            self._speaker.play(sign)
        if heard.sentence is not None and self._voice is not None:
            self._voice.say(heard.sentence)
