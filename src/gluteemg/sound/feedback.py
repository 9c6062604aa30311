"""From what the person does to what they hear: the tone, the signs, the sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gluteemg.activation.frame import Frame, Verdict
from gluteemg.activation.ratio import Zone
from gluteemg.coaching.cue import Activity, Cue, Sign
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import Muscle
from gluteemg.processing.quality import Flag
from gluteemg.sound.tone import HIGHEST_HZ, LOUDEST, LOWEST_HZ, SILENCE, Tone

SOUNDING: frozenset[Activity] = frozenset({"work", "hold", "relax"})
"""What the person is in while the tone sounds (chosen: in all else they rest, wait or answer)."""
REACH = math.log(4.0)
"""How far from the middle of the zone the pitch goes with the share, in ``ln R`` (chosen: a change of 1.25, the least that is
surely one, is a semitone; within a zone the tone is almost steady)."""
SOFT = 0.6 * LOUDEST
"""Level in the zone (chosen: what is well needs no more than a reminder)."""
WAVER = 0.5
"""Second voice while the hamstrings lead (chosen: the tone swings to a third and back, and never stops)."""
UNDER_SPEECH = 0.4
"""Level of the tone while a sentence is spoken (chosen: 8 dB lower)."""
WORD_S, BREATH_S = 0.4, 0.6
"""How long a spoken word lasts, and the voice takes to begin (chosen: 150 words a minute)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What shall sound now.

    Parameters
    ----------
    tone : Tone
        From now on.
    signs : tuple of Sign
        Once, one after the other.
    sentence : str or None
        To be spoken once, in place of what is being said.
    """

    tone: Tone
    signs: tuple[Sign, ...] = ()
    sentence: str | None = None


class Feedback:
    """Follows what the coach says and the muscles do, and tells each sign and sentence once.

    Parameters
    ----------
    texts : Texts
        The words of the sentences.
    """

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._cue: Cue | None = None
        self._elapsed_s = 0.0  # of the present repetition
        self._floor_told = False  # in this repetition
        self._speaking_until_s = 0.0  # session time

    def hear(self, cue: Cue, frame: Frame | None, zone: Zone | None, target: Muscle, floor: float | None) -> Heard:
        """Tell what shall sound, now that this is known.

        Parameters
        ----------
        cue : Cue
            What the coach says. Signs and sentences of the same object are told once.
        frame : Frame or None
            The latest instant; None before the first.
        zone : Zone or None
            Where the ratio should be; None where no share can be judged: then the tone follows the target and its floor.
        target : str
            The muscle that is to do the work.
        floor : float or None
            Least activation of it that counts as working, a fraction of its reference.
        """
        tone = tone_of(cue, frame, zone, target, floor)
        new = cue is not self._cue
        self._cue = cue
        signs, sentence = (cue.signs, self._sentence(cue, frame)) if new else ((), None)
        if self._reaches_floor(frame, target, floor):
            signs = (*signs, "floor")
        if frame is not None and frame.t_s < self._speaking_until_s:
            tone = replace(tone, level=UNDER_SPEECH * tone.level)
        return Heard(tone, signs, sentence)

    def _reaches_floor(self, frame: Frame | None, target: Muscle, floor: float | None) -> bool:
        """Tell whether the target reaches its floor, for the first time in this repetition."""
        elapsed_s = None if frame is None else frame.rep_elapsed_s
        if elapsed_s is None or elapsed_s < self._elapsed_s:
            self._floor_told = False
        self._elapsed_s = elapsed_s or 0.0
        level = None if frame is None or floor is None else level_of(frame, target)
        reached = elapsed_s is not None and floor is not None and level is not None and level >= floor
        first = reached and not self._floor_told
        self._floor_told |= reached
        return first

    def _sentence(self, cue: Cue, frame: Frame | None) -> str | None:
        """Put what is to be said into one breath; a single word, such as a count, gives way to a sentence that goes on."""
        said = [self._texts.say(message) for message in cue.spoken]
        sentence = " ".join(text if text[-1] in ".!?…:" else f"{text}." for text in said)
        words = len(sentence.split())
        now_s = math.inf if frame is None else frame.t_s
        if not words or (words == 1 and now_s < self._speaking_until_s):
            return None
        if frame is not None:
            self._speaking_until_s = frame.t_s + BREATH_S + WORD_S * words
        return sentence


def tone_of(cue: Cue, frame: Frame | None, zone: Zone | None, target: Muscle, floor: float | None) -> Tone:
    """Give the tone of an instant: silence at rest, without a trusted signal, and while nothing is practised.

    With a zone, the pitch rises with the share: from the middle of the zone half an octave to each side within `REACH`. In
    the zone it is soft, under it fuller; while the hamstrings lead it wavers. Without a zone it follows the target in the same
    way, against its floor.
    """
    if frame is None or cue.activity not in SOUNDING:
        return SILENCE
    if zone is not None:
        if frame.ln_ratio is None or frame.verdict in (Verdict.MUTED, Verdict.REST):
            return SILENCE
        beside = frame.ln_ratio - (zone.ln_low + zone.ln_high) / 2
        well = frame.verdict in (Verdict.IN_ZONE, Verdict.GLUTES_LEAD)
        return Tone(SOFT if well else LOUDEST, _pitch_hz(beside), WAVER if frame.verdict == Verdict.HAMSTRINGS_LEAD else 0.0)
    level = None if floor is None else level_of(frame, target)
    if floor is None or level is None or level * math.exp(REACH) < floor:  # it rests
        return SILENCE
    return Tone(SOFT if level >= floor else LOUDEST, _pitch_hz(math.log(level / floor)))


def level_of(frame: Frame, muscle: Muscle) -> float | None:
    """Give the activation of a muscle, of the side that does more; None where no signal of it is trusted."""
    levels = (
        level
        for role, level in frame.activation.items()
        if role.muscle == muscle and level is not None and frame.flags[role] < Flag.HEAVY_LOSS
    )
    return max(levels, default=None)


def _pitch_hz(beside: float) -> float:
    """Give the pitch of a logarithm that is 0 where the tone lies in the middle of its range."""
    octaves = min(max(beside / (2 * REACH), -0.5), 0.5)
    return math.sqrt(LOWEST_HZ * HIGHEST_HZ) * math.exp2(octaves)
