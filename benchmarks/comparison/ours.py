"""The part of gluteemg that takes samples, in the calls that its own `SensorSignal` makes."""

from collections.abc import Callable, Iterable

import numpy as np
from benchmarks.comparison.signals import Floats

from gluteemg.processing.chain import Chain, LineNotch
from gluteemg.processing.envelope import FAST_S, SLOW_S, HopPower, MovingRms, hop_of

BLOCK_S = 10.0
"""Length of a block offline."""


def live(rate_hz: float, n_channels: int) -> Callable[[Floats], tuple[Floats, Floats, Floats]]:
    """Give what a chunk goes through: the filters, and both envelopes at every hop of 5 ms."""
    hop = hop_of(rate_hz)
    filtering, power = Chain(rate_hz), HopPower(hop, n_channels)
    fast, slow = (MovingRms(rows(window_s, rate_hz), n_channels) for window_s in (FAST_S, SLOW_S))

    def process(emg: Floats) -> tuple[Floats, Floats, Floats]:
        filtered = filtering(emg)
        hops = power(filtered)
        return filtered, fast(hops), slow(hops)

    return process


def rows(window_s: float, rate_hz: float) -> int:
    """Give the hops in a window."""
    return max(1, round(window_s * rate_hz / hop_of(rate_hz)))


def filters(rate_hz: float) -> Callable[[Floats], Floats]:
    """Give the filters alone."""
    return Chain(rate_hz)


def notch(rate_hz: float, line_hz: int) -> Callable[[Floats], Floats]:
    """Give the notch against hum, asked for all the time in all channels."""
    taking_out = LineNotch(rate_hz)
    return lambda emg: taking_out(emg.copy(), np.full(emg.shape, line_hz, np.uint8))


def in_blocks(process: Callable[[Floats], object], emg: Floats, rate_hz: float) -> None:
    """Take a whole recording through, block by block, as the analysis does, and keep nothing."""
    size = int(BLOCK_S * rate_hz)
    for start in range(0, len(emg), size):
        process(emg[start : start + size])


def in_chunks(process: Callable[[Floats], tuple[Floats, ...]], emg: Floats, sizes: Iterable[int]) -> tuple[Floats, ...]:
    """Take a recording through in chunks of these sizes, the last one of what is left, and join what comes out."""
    parts, start = [], 0
    for size in sizes:
        parts.append(process(emg[start : start + size]))
        start += size
    parts.append(process(emg[start:]))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))
