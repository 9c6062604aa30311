"""Measure how fast packets become samples.

Run ``.venv/bin/python benchmarks/decode.py``. It prints, and writes to ``docs/benchmarks/decode.md``:

- for every profile, values a second (one value is one channel of one sample) in blocks of ten seconds of data, and beside it
  how many times as long it takes as the floor, joining the same payloads and having numpy turn their bytes into floats;
- live, one call a packet: eight sensors at 2 kHz, as the share of one core that decoding them takes.
"""

import platform
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from gluteemg.catalogue import load_profiles
from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.framing import payloads_of
from gluteemg.sensors.profile import FirmwareProfile

REPORT = Path(__file__).parents[1] / "docs" / "benchmarks" / "decode.md"
BLOCK_S = 10.0
ROOM = 244  # bytes of one notification after the usual exchange of MTUs
LIVE = (8, 2000.0, 20)  # sensors, samples a second, samples a packet
LIVE_PROFILE = """
schema_version = 2
id = "live"
name = "Eight of these"
vendor = "this benchmark"
source = "this benchmark"
layout = "generated"
hardware = "none"
[signal]
kind = "raw"
channels = 1
rate_hz = 2000
unit = "uV"
[counter]
counts = "samples"
[[packets]]
header = [{ field = "counter", type = "u32le" }]
record = [{ field = "emg", type = "i16le" }]
records = 20
"""


def best(work: Callable[[], object], times: int = 5) -> float:
    """The least of several runs, in seconds."""
    spans = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        spans.append(time.perf_counter() - begin)
    return min(spans)


def payloads_for(profile: FirmwareProfile, seconds: float) -> list[bytes]:
    """What a sensor of this kind sends in so many seconds."""
    encoder, random = Encoder(profile), np.random.default_rng(0)
    n = int(seconds * profile.signal.rate_hz)
    reach = 200.0 * profile.signal.lsb
    counts = encoder.quantise(np.abs(reach * random.standard_normal((n, profile.signal.channels))))
    sizes = encoder.sizes(max(1, round(0.02 * profile.signal.rate_hz)))
    payloads, first, number = [], 0, 0
    while first + (size := sizes[number % len(sizes)]) <= n:
        payloads += payloads_of(encoder.encode_counts(counts[first : first + size], first), profile.framing, ROOM)
        first, number = first + size, number + 1
    return payloads


def floor(payloads: Sequence[bytes]) -> None:
    np.frombuffer(b"".join(payloads), np.uint8).astype(np.float64)


def kind_of(profile: FirmwareProfile) -> str:
    """How packets of this kind are written."""
    layout = profile.emg_layouts[0]
    if layout.text is not None:
        return "text"
    return "differences" if any(p.delta for p in profile.packets) else "fixed"


def measure_blocks(profile: FirmwareProfile) -> tuple[float, float, float]:
    """Values a payload, values a second, and how many times the floor."""
    payloads = payloads_for(profile, BLOCK_S)
    arrivals = np.linspace(0, BLOCK_S * 1e9, len(payloads)).astype(np.int64)
    decoder = Decoder(profile)
    values = decoder.decode(payloads, arrivals).emg.size

    def decode() -> None:
        decoder.resume()
        decoder.decode(payloads, arrivals + decoder_clock())

    taken, least = best(decode), best(lambda: floor(payloads))
    return values / len(payloads), values / taken, taken / least


rounds = 0


def decoder_clock() -> int:
    """Every round of the same payloads comes ten seconds after the one before."""
    global rounds
    rounds += 1
    return round(rounds * (BLOCK_S + 1) * 1e9)


def measure_live() -> float:
    """The share of one core that decoding eight sensors takes, packet by packet."""
    sensors, rate_hz, size = LIVE
    profile = FirmwareProfile.parse(LIVE_PROFILE, "live")
    payloads = payloads_for(profile, 2.0)
    arrivals = [np.array([round(1e9 * (i + 1) * size / rate_hz)]) for i in range(len(payloads))]

    def decode() -> None:
        decoder = Decoder(profile)
        for payload, arrival in zip(payloads, arrivals, strict=True):
            decoder.decode([payload], arrival)

    return sensors * best(decode) / 2.0


def main() -> None:
    lines = [
        "# Decoding",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, one core, Python {platform.python_version()}, numpy "
        f"{np.__version__}. Best of five. Made by `benchmarks/decode.py`.",
        "",
        "A value is one channel of one sample; blocks of ten seconds of data. The floor is joining the same payloads and",
        "turning their bytes into floats.",
        "",
        "| profile | layout | values a packet | values a second | × the floor |",
        "|---|---|---|---|---|",
    ]
    for profile in load_profiles():
        size, speed, ratio = measure_blocks(profile)
        lines.append(f"| {profile.id} | {kind_of(profile)} | {size:.0f} | {speed / 1e6:.1f} M | {ratio:.1f} |")
    sensors, rate_hz, size = LIVE
    lines += [
        "",
        f"Live, one call a packet: {sensors} sensors × {rate_hz:.0f} Hz in packets of {size} take "
        f"{100 * measure_live():.1f} % of one core (budget 10 %).",
    ]
    print("\n".join(lines))
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
