"""Simulated sensors on a simulated person: plausible EMG, and the packets that it is sent in.

Everything is a pure function of its seed and of the sample number, so any cut gives the same samples bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from gluteemg.errors import RoleError
from gluteemg.muscles import Role
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.framing import payloads_of
from gluteemg.sensors.person import Person
from gluteemg.sensors.profile import FirmwareProfile, Signal
from gluteemg.sensors.rounds import Rounds
from gluteemg.sensors.source import Packet, PacketKind

GAIN_UV: Mapping[str, float] = {
    "gluteus_maximus": 60.0,
    "gluteus_medius": 120.0,
    "hamstrings": 150.0,
    "biceps_femoris": 160.0,
    "semitendinosus": 140.0,
}
"""RMS at the reference (chosen: fat over the buttock takes most of the gluteus maximus, Kuiken 2003); others 100 µV."""
COUNTS_PER_UV = 2.0
"""For sensors whose scale is not known (chosen: hamstrings at their reference give 300 counts RMS)."""
HIGHEST_UV, HIGHEST_ENVELOPE_UV = 1000.0, 250.0
"""What such a sensor reaches up to at least (chosen: over six times the largest gain, for its peaks; an envelope has none)."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """How well a sensor sits and its radio carries.

    Parameters
    ----------
    floor_uv : float
        White noise of sensor and skin, RMS in µV (default: 1 to 3.5 µV is what laboratories aim for).
    mains_uv, mains_hz : float
        Hum, RMS in µV of the fundamental; its third harmonic is a third of that.
    motion_uv : float
        Peak of the slow swing that each repetition begins with, in µV.
    loss : float
        Share of packets lost one by one.
    burst_loss : float
        Share of packets lost in runs of eight.
    """

    floor_uv: float = 2.5
    mains_uv: float = 0.0
    mains_hz: float = 50.0
    motion_uv: float = 0.0
    loss: float = 0.0
    burst_loss: float = 0.0


GOOD = Conditions()


class SimulatedSensor:
    """One sensor on a simulated person. Its sample 0 is script time 0.

    EMG is Gaussian noise with the spectrum of Shwedyk et al. [1]_, times the activation, times the muscle's gain;
    channels are independent. A sensor that sends envelopes gives activation times gain, and all else by its size.

    Parameters
    ----------
    name : str
        As it advertises itself; also seeds its noise.
    profile : FirmwareProfile
        The device to imitate.
    roles : sequence of Role
        What lies under each channel.
    person : Person
        Who wears it.
    rate_hz : float, optional
        True rate; the profile's nominal one if not given.
    conditions : Conditions
        Noise, artefacts, loss.

    Raises
    ------
    RoleError
        If there is not one role for each channel.

    References
    ----------
    .. [1] E. Shwedyk, R. Balasubramanian, R. N. Scott, A nonstationary model for the electromyogram,
       IEEE Trans Biomed Eng 24:417, 1977: ``P(f) = k f² / ((f² + fl²) (f² + fh²)²)``.
    """

    def __init__(
        self,
        name: str,
        profile: FirmwareProfile,
        roles: Sequence[Role],
        person: Person,
        *,
        rate_hz: float | None = None,
        conditions: Conditions = GOOD,
    ) -> None:
        if len(roles) != profile.signal.channels:
            count = profile.signal.channels
            raise RoleError(
                f"{name} has {count} channel{'s' if count > 1 else ''} and {len(roles)} roles: give it one for each."
            )
        self.name = name
        self.profile = profile
        self.roles = tuple(roles)
        self.person = person
        self.rate_hz = rate_hz or profile.signal.rate_hz
        self._conditions = conditions
        self._unit = _units_per_uv(profile.signal)
        self._gain_uv = np.array([GAIN_UV.get(r.muscle, 100.0) for r in roles])
        self._shaping = _shaping_filter(self.rate_hz)
        self._entropy = (person.seed, crc32(name.encode()))
        self._white = lru_cache(maxsize=4)(self._draw_white)
        self._block = lru_cache(maxsize=4)(self._make_block)
        self._losses = lru_cache(maxsize=4)(self._draw_losses)

    def emg(self, first_index: int, n: int) -> NDArray[np.float64]:
        """Give samples by their number, as many and as often as wanted.

        Parameters
        ----------
        first_index : int
            Number of the first one since script time 0, at least 0.
        n : int
            How many.

        Returns
        -------
        ndarray of shape (n, n_channels)
            In the unit of the profile, microvolts or counts.
        """
        first, last = first_index // _BLOCK, (first_index + n) // _BLOCK
        blocks = [self._block(number) for number in range(first, last + 1)]
        start = first_index - first * _BLOCK
        return np.concatenate(blocks)[start : start + n]

    def lost(self, packet_number: int) -> bool:
        """Tell whether the radio loses the packet with this number, counted from the sensor's first."""
        page, place = divmod(packet_number, _BLOCK)
        return self._losses(page)[place]

    def _draw_white(self, number: int) -> NDArray[np.float64]:
        """Draw white noise for one block, shape (2, n_samples, n_channels): for the muscles and for the sensor."""
        random = np.random.default_rng((*self._entropy, _EMG, number + 1))
        return random.standard_normal((2, _BLOCK, len(self.roles)))

    def _make_block(self, number: int) -> NDArray[np.float64]:
        """Make one block, a function of its number alone."""
        t_s = (number * _BLOCK + np.arange(_BLOCK)) / self.rate_hz
        white = self._white(number)
        activation = np.column_stack([self.person.activation(r.muscle, t_s) for r in self.roles])
        strength_uv = activation * self._gain_uv
        rest_uv = self._conditions.floor_uv * white[1] + self._artefact_uv(t_s)[:, None]
        if self.profile.signal.is_envelope:
            envelope: NDArray[np.float64] = (strength_uv + np.abs(rest_uv)) * self._unit
            return envelope
        run_up = self._white(number - 1)[0, -_RUN_UP:]
        carrier = signal.sosfilt(self._shaping, np.concatenate((run_up, white[0])), axis=0)[_RUN_UP:]
        block: NDArray[np.float64] = (carrier * strength_uv + rest_uv) * self._unit
        return block

    def _artefact_uv(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give hum, and a damped 4 Hz swing at the start of each repetition (chosen: well below the EMG band)."""
        conditions, angle = self._conditions, 2 * np.pi * self._conditions.mains_hz * t_s
        since_s = np.maximum(self.person.rep_at(t_s)[1], 0)
        swing = np.sin(8 * np.pi * since_s) * np.exp(-since_s / 0.15)
        hum = np.sqrt(2) * (np.sin(angle) + np.sin(3 * angle) / 3)
        artefact: NDArray[np.float64] = conditions.mains_uv * hum + conditions.motion_uv * swing
        return artefact

    def _draw_losses(self, page: int) -> list[bool]:
        random = np.random.default_rng((*self._entropy, _LOSS, page))
        alone = random.random(_BLOCK) < self._conditions.loss
        runs = random.random(_BLOCK // _LOSS_RUN) < self._conditions.burst_loss
        lost: list[bool] = (alone | np.repeat(runs, _LOSS_RUN)).tolist()
        return lost


def simulated_packets(
    sensors: Sequence[SimulatedSensor],
    seconds: float,
    *,
    interval_s: float = 0.030,
    start_ns: int = 1_000_000_000,
    seed: int = 0,
) -> list[Packet]:
    """Give the packets of a whole session, as a radio would have delivered them.

    Parameters
    ----------
    sensors : sequence of SimulatedSensor
        All connect at `start_ns`, which is script time 0.
    seconds : float
        How long they send.
    interval_s : float
        Bluetooth connection interval (default: what Linux uses unless asked): a packet waits for the next one.
    start_ns : int
        Monotonic time of the connection.
    seed : int
        Decides the phase of each link and the host's delay (chosen: half-normal, 1 ms).

    Returns
    -------
    list of Packet
        In order of arrival.
    """
    packets = [Packet(s.name, start_ns, b"", PacketKind.CONNECT) for s in sensors]
    for sensor in sensors:
        encoder = Encoder(sensor.profile)
        rounds = Rounds(encoder.sizes(max(1, round(sensor.rate_hz * interval_s))))
        count = rounds.packet_of(int(seconds * sensor.rate_hz))
        t_ns = (start_ns + _arrival_ns(sensor, rounds, count, interval_s, seed)).tolist()
        for page in range(0, count, _PAGE):  # an hour at once would need gigabytes
            numbers = range(page, min(page + _PAGE, count))
            begin, end = rounds.span(page)[0], rounds.span(numbers[-1])[1]
            counts = encoder.quantise(sensor.emg(begin, end - begin))
            for k in numbers:
                first, last = rounds.span(k)
                packet = encoder.encode_counts(counts[first - begin : last - begin], first)
                if not sensor.lost(k):
                    packets += _sent(sensor, t_ns[k], packet)
    return sorted(packets, key=lambda packet: packet.t_ns)


def _arrival_ns(sensor: SimulatedSensor, rounds: Rounds, count: int, interval_s: float, seed: int) -> NDArray[np.int64]:
    """Give when each packet arrives after the connection: at the first beat of the link when it is ready, and a little."""
    random = np.random.default_rng((seed, crc32(sensor.name.encode()), _LINK))
    phase_s = random.uniform(0, interval_s)
    ready_s = np.array([rounds.span(k)[1] for k in range(count)]) / sensor.rate_hz
    event_s = phase_s + interval_s * np.ceil((ready_s - phase_s) / interval_s)
    arrival_s = np.maximum.accumulate(event_s + 0.001 * np.abs(random.standard_normal(count)))
    return np.rint(arrival_s * 1e9).astype(np.int64)


def _sent(sensor: SimulatedSensor, t_ns: int, packet: bytes) -> list[Packet]:
    """Give what one packet is sent in: an advertisement, or as many notifications as it takes."""
    stream = sensor.profile.stream
    kind = PacketKind.ADVERT if stream is not None and stream.kind == "advertising" else PacketKind.NOTIFY
    return [Packet(sensor.name, t_ns, payload, kind) for payload in payloads_of(packet, sensor.profile.framing, _ROOM)]


_BLOCK = 1024  # samples made at once, and packets whose loss is drawn at once (chosen: a second or so)
_RUN_UP = 128  # samples before a block that settle its filter (chosen: the slowest pole, 60 Hz, leaves e^-24 at 2 kHz)
_LOSS_RUN = 8  # packets lost together in a burst (chosen: 0.1 to 0.2 s)
_PAGE = 512  # packets encoded at once (chosen)
_ROOM = 244  # bytes in a notification (Bluetooth Core 5.4: an ATT MTU of 247 fills one packet of the link layer)
_EMG, _LOSS, _LINK = range(3)  # what a stream of random numbers is for; the person has one more
_LOW_HZ, _HIGH_HZ = 60.0, 120.0  # corners of the spectrum (chosen: median frequency 90 Hz, usual for these muscles)


def _units_per_uv(given: Signal) -> float:
    """Tell how the profile's unit measures: microvolts as they are, counts so that the converter's end is not reached."""
    if given.unit == "uV":
        return 1.0
    end = float("inf") if given.high is None else (given.high - given.bias) * given.lsb
    return min(COUNTS_PER_UV, end / (HIGHEST_ENVELOPE_UV if given.is_envelope else HIGHEST_UV))


@lru_cache(maxsize=16)
def _shaping_filter(rate_hz: float) -> NDArray[np.float64]:
    """Design sections that give white noise the spectrum of EMG and a power of one: the model as an analogue filter."""
    corners_hz = np.minimum([_LOW_HZ, _HIGH_HZ, _HIGH_HZ], 0.4 * rate_hz)
    poles = -2 * rate_hz * np.tan(np.pi * corners_hz / rate_hz)
    sos = signal.zpk2sos(*signal.bilinear_zpk([0.0], poles, 1.0, rate_hz))
    response = signal.sosfilt(sos, np.eye(1, 8192)[0])
    sos[0, :3] /= np.sqrt(np.sum(response**2))
    return np.asarray(sos)
