"""Where the packets of a sensor begin and end: their sizes come in rounds that repeat for ever."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate


@dataclass(frozen=True)
class Rounds:
    """Packets and samples, both numbered from 0.

    Parameters
    ----------
    sizes : tuple of int
        Samples in each packet of one round, as `gluteemg.sensors.encoder.Encoder.sizes` gives them.
    """

    sizes: tuple[int, ...]

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        return tuple(accumulate(self.sizes))

    def span(self, packet: int) -> tuple[int, int]:
        """Give the first sample of a packet, and the first one after it."""
        rounds, place = divmod(packet, len(self.sizes))
        end = rounds * self._ends[-1] + self._ends[place]
        return end - self.sizes[place], end

    def packet_of(self, sample: int) -> int:
        """Give the packet that a sample is in; so many are complete before it."""
        rounds, rest = divmod(sample, self._ends[-1])
        return rounds * len(self.sizes) + bisect_right(self._ends, rest)
