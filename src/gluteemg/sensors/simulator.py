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
from gluteemg.muscles import HAMSTRINGS, TRUNK, Role
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.framing import payloads_of
from gluteemg.sensors.person import Simulated
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
FAT_MM, FAT_LEAVES = (0.0, 3.0, 9.0, 18.0), (1.0, 0.69, 0.20, 0.10)
"""What a layer of fat leaves of the surface RMS: it takes 31, 80 and 90 % (Kuiken 2003); between them in the logarithm, beyond
18 mm no more is known."""
FAT_CORNER_HZ_MM = 1500.0
"""A layer is a low-pass of first order whose corner is this divided by its thickness: 500, 167 and 83 Hz. Chosen: the median
frequency goes from 93 to 90, 78 and 67 Hz at 2 kHz, in the direction of the model of Kuiken 2003; how far is not known here."""
NEIGHBOURS: Mapping[str, str] = {"gluteus_maximus": "hamstrings"} | dict.fromkeys(HAMSTRINGS, "gluteus_maximus")
"""Whose cross-talk a channel hears: the muscle on the other side of the gluteal fold."""
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
    ecg_uv, ecg_bpm : float
        Height of the heart's spike in channels of the trunk, in µV, and beats a minute.
    fat_mm : float
        Fat over the buttock, beyond what is in `GAIN_UV`: weakens both gluteus muscles, at every electrode that hears them.
    crosstalk : float
        Share of the neighbour's waveform, as it is at the neighbour's own electrode, that a channel hears too, 0 to 1: glutes
        hear hamstrings and the other way round. So it is a share of the neighbour's microvolts, not of its activation.
    loss : float
        Share of packets lost one by one.
    burst_loss : float
        Share of packets lost in runs of eight.
    """

    floor_uv: float = 2.5
    mains_uv: float = 0.0
    mains_hz: float = 50.0
    motion_uv: float = 0.0
    ecg_uv: float = 0.0
    ecg_bpm: float = 70.0
    fat_mm: float = 0.0
    crosstalk: float = 0.0
    loss: float = 0.0
    burst_loss: float = 0.0


GOOD = Conditions()


class SimulatedSensor:
    """One sensor on a simulated person. Its sample 0 is script time 0.

    EMG is Gaussian noise with the spectrum of Shwedyk et al. [1]_, times the activation, times the muscle's gain;
    channels are independent. A sensor that sends envelopes gives activation times gain, and all else by its size.

    With cross-talk the waveform of a muscle is seeded by person and role instead of by sensor and channel, so that every sensor
    of the body hears the same one, by sample number: sensors whose rates or first samples differ hear waveforms that agree in
    strength and spectrum, not in every sample.

    Parameters
    ----------
    name : str
        As it advertises itself; also seeds its noise.
    profile : FirmwareProfile
        The device to imitate.
    roles : sequence of Role
        What lies under each channel.
    person : Simulated
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
        person: Simulated,
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
        self._sources = self.roles if not conditions.crosstalk else (*roles, *map(_neighbour, roles))
        self._gain_uv = np.array([0.0 if r is None else _gain_uv(r, conditions) for r in self._sources])
        self._shaping = [_shaping_filter(self.rate_hz, _corner_hz(r, conditions)) for r in self._sources]
        self._trunk = np.array([r.muscle in TRUNK for r in roles])
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
        rows = slice(first_index - first * _BLOCK, first_index - first * _BLOCK + n)
        carrier, noise = (np.concatenate(parts)[rows] for parts in zip(*blocks, strict=True))
        t_s = (first_index + np.arange(n)) / self.rate_hz
        activation = np.column_stack([_activation(self.person, role, t_s) for role in self._sources])
        strength_uv = activation * self._gain_uv
        rest_uv = self._conditions.floor_uv * noise + self._artefact_uv(t_s)
        if self.profile.signal.is_envelope:
            return np.asarray((self._size_of(strength_uv) + np.abs(rest_uv)) * self._unit)
        return np.asarray((self._mixed(carrier * strength_uv) + rest_uv) * self._unit)

    def lost(self, packet_number: int) -> bool:
        """Tell whether the radio loses the packet with this number, counted from the sensor's first."""
        page, place = divmod(packet_number, _BLOCK)
        return self._losses(page)[place]

    def _draw_white(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw white noise for one block: of the muscles, shape (n_samples, n_sources), and of the sensor's channels."""
        random = np.random.default_rng((*self._entropy, _EMG, number + 1))
        muscles, sensor = random.standard_normal((2, _BLOCK, len(self.roles)))
        if self._conditions.crosstalk:
            muscles = np.column_stack([_muscle_white(self.person.seed, role, number) for role in self._sources])
        return muscles, sensor

    def _make_block(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Make what one block needs and the person does not alter, a function of its number alone.

        Waveforms of the muscles at a power of one, shape (n_samples, n_sources), and noise of the channels.
        """
        white, noise = self._white(number)
        driven = np.concatenate((self._white(number - 1)[0][-_RUN_UP:], white))
        carrier = np.column_stack([signal.sosfilt(f, w)[_RUN_UP:] for f, w in zip(self._shaping, driven.T, strict=True)])
        return carrier, noise

    def _mixed(self, sources: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add its share of the neighbour to each channel, shape (n, n_sources) → (n, n_channels)."""
        own, neighbours = sources[:, : len(self.roles)], sources[:, len(self.roles) :]
        return own + self._conditions.crosstalk * neighbours if neighbours.size else own

    def _size_of(self, strength_uv: NDArray[np.float64]) -> NDArray[np.float64]:
        """Do the same with the strength of independent waveforms, whose powers add."""
        if len(self._sources) == len(self.roles):
            return strength_uv
        own, neighbours = np.split(strength_uv, 2, axis=1)
        return np.hypot(own, self._conditions.crosstalk * neighbours)

    def _artefact_uv(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give what is no muscle, shape (n, n_channels): hum, a swing at the start of each repetition, and the heart.

        The swing is a damped one of 4 Hz (chosen: well below the EMG band). The heart's spike is the second derivative of a
        Gaussian of 12 ms (chosen: most of it lies within 5 to 40 Hz, as in a QRS); its slower waves are below the EMG band.
        """
        conditions, angle = self._conditions, 2 * np.pi * self._conditions.mains_hz * t_s
        since_s = np.maximum(self.person.since_s(t_s), 0)
        swing = np.sin(8 * np.pi * since_s) * np.exp(-since_s / 0.15)
        hum = np.sqrt(2) * (np.sin(angle) + np.sin(3 * angle) / 3)
        beat = ((t_s * conditions.ecg_bpm / 60 % 1 - 0.5) * 60 / conditions.ecg_bpm / 0.012) ** 2
        heart = (1 - beat) * np.exp(-beat / 2)
        artefact: NDArray[np.float64] = conditions.mains_uv * hum + conditions.motion_uv * swing
        return np.asarray(artefact[:, None] + conditions.ecg_uv * heart[:, None] * self._trunk)

    def _draw_losses(self, page: int) -> list[bool]:
        random = np.random.default_rng((*self._entropy, _LOSS, page))
        alone = random.random(_BLOCK) < self._conditions.loss
        runs = random.random(_BLOCK // _LOSS_RUN) < self._conditions.burst_loss
        lost: list[bool] = (alone | np.repeat(runs, _LOSS_RUN)).tolist()
        return lost


class Sender:
    """Sends the packets of one sensor, as its radio would have delivered them.

    Parameters
    ----------
    sensor : SimulatedSensor
        Connects at `start_ns`, which is script time 0.
    interval_s : float
        Bluetooth connection interval (default: what Linux uses unless asked): a packet waits for the next one.
    start_ns : int
        Monotonic time of the connection.
    seed : int
        Decides the phase of the link and the host's delay (chosen: half-normal, 1 ms).
    """

    def __init__(
        self, sensor: SimulatedSensor, *, interval_s: float = 0.030, start_ns: int = 1_000_000_000, seed: int = 0
    ) -> None:
        self._sensor, self._interval_s, self._start_ns = sensor, interval_s, start_ns
        self._encoder = Encoder(sensor.profile)
        self._rounds = Rounds(self._encoder.sizes(max(1, round(sensor.rate_hz * interval_s))))
        self._random = np.random.default_rng((seed, crc32(sensor.name.encode()), _LINK))
        self._phase_s = self._random.uniform(0, interval_s)
        self._latest_s = -np.inf
        self._next = 0

    @property
    def connected(self) -> Packet:
        """What tells that the sensor is there."""
        return Packet(self._sensor.name, self._start_ns, b"", PacketKind.CONNECT)

    def until(self, t_s: float) -> list[Packet]:
        """Give the next packets: those whose samples are complete by script time `t_s`."""
        count, packets = self._rounds.packet_of(int(t_s * self._sensor.rate_hz)), []
        for page in range(self._next, count, _PAGE):  # an hour at once would need gigabytes
            packets += self._send(range(page, min(page + _PAGE, count)))
        self._next = max(self._next, count)
        return packets

    def _send(self, numbers: range) -> list[Packet]:
        begin, end = self._rounds.span(numbers[0])[0], self._rounds.span(numbers[-1])[1]
        counts = self._encoder.quantise(self._sensor.emg(begin, end - begin))
        packets: list[Packet] = []
        for k, t_ns in zip(numbers, self._arrivals_ns(numbers), strict=True):
            first, last = self._rounds.span(k)
            packet = self._encoder.encode_counts(counts[first - begin : last - begin], first)
            if not self._sensor.lost(k):
                packets += _sent(self._sensor, t_ns, packet)
        return packets

    def _arrivals_ns(self, numbers: range) -> list[int]:
        """Give when packets arrive: at the first beat of the link when they are ready, and a little; none before another."""
        ready_s = np.array([self._rounds.span(k)[1] for k in numbers]) / self._sensor.rate_hz
        event_s = self._phase_s + self._interval_s * np.ceil((ready_s - self._phase_s) / self._interval_s)
        late_s = 0.001 * np.abs(self._random.standard_normal(len(numbers)))
        arrival_s = np.maximum.accumulate(np.concatenate(([self._latest_s], event_s + late_s)))[1:]
        self._latest_s = float(arrival_s[-1])
        t_ns: list[int] = (self._start_ns + np.rint(arrival_s * 1e9).astype(np.int64)).tolist()
        return t_ns


def simulated_packets(
    sensors: Sequence[SimulatedSensor],
    seconds: float,
    *,
    interval_s: float = 0.030,
    start_ns: int = 1_000_000_000,
    seed: int = 0,
) -> list[Packet]:
    """Give the packets of a whole session, in order of arrival. All sensors connect at once; see `Sender`."""
    senders = [Sender(sensor, interval_s=interval_s, start_ns=start_ns, seed=seed) for sensor in sensors]
    packets = [sender.connected for sender in senders]
    for sender in senders:
        packets += sender.until(seconds)
    return sorted(packets, key=lambda packet: packet.t_ns)


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
_EMG, _LOSS, _LINK = range(3)  # what a stream of random numbers is for; the person has number 3
_MUSCLE = 4
_LOW_HZ, _HIGH_HZ = 60.0, 120.0  # corners of the spectrum (chosen: median frequency 90 Hz, usual for these muscles)


def _units_per_uv(given: Signal) -> float:
    """Tell how the profile's unit measures: microvolts as they are, counts so that the converter's end is not reached."""
    if given.unit == "uV":
        return 1.0
    end = float("inf") if given.high is None else (given.high - given.bias) * given.lsb
    return min(COUNTS_PER_UV, end / (HIGHEST_ENVELOPE_UV if given.is_envelope else HIGHEST_UV))


def _neighbour(role: Role) -> Role | None:
    """Tell whose cross-talk a channel hears."""
    return Role(NEIGHBOURS[role.muscle], role.side) if role.muscle in NEIGHBOURS else None


def _activation(person: Simulated, role: Role | None, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros(len(t_s)) if role is None else person.activation(role, t_s)


def _is_gluteus(role: Role | None) -> bool:
    return role is not None and role.muscle.startswith("gluteus")


def _gain_uv(role: Role, conditions: Conditions) -> float:
    """Give the RMS of a muscle at its reference, through the fat."""
    leaves = np.exp(np.interp(conditions.fat_mm, FAT_MM, np.log(FAT_LEAVES))) if _is_gluteus(role) else 1.0
    return float(GAIN_UV.get(role.muscle, 100.0) * leaves)


def _corner_hz(role: Role | None, conditions: Conditions) -> float | None:
    return FAT_CORNER_HZ_MM / conditions.fat_mm if conditions.fat_mm and _is_gluteus(role) else None


def _muscle_white(seed: int, role: Role | None, number: int) -> NDArray[np.float64]:
    """Draw what drives a muscle's waveform in one block, the same for every sensor of the body."""
    if role is None:
        return np.zeros(_BLOCK)
    return np.random.default_rng((seed, crc32(str(role).encode()), _MUSCLE, number + 1)).standard_normal(_BLOCK)


@lru_cache(maxsize=64)
def _shaping_filter(rate_hz: float, corner_hz: float | None = None) -> NDArray[np.float64]:
    """Design sections that give white noise the spectrum of EMG and a power of one: the model as an analogue filter.

    `corner_hz` is that of the fat; the power is one with it, too.
    """
    corners_hz = np.minimum([_LOW_HZ, _HIGH_HZ, _HIGH_HZ] + [corner_hz] * (corner_hz is not None), 0.4 * rate_hz)
    poles = -2 * rate_hz * np.tan(np.pi * corners_hz / rate_hz)
    sos = signal.zpk2sos(*signal.bilinear_zpk([0.0], poles, 1.0, rate_hz))
    response = signal.sosfilt(sos, np.eye(1, 8192)[0])
    sos[0, :3] /= np.sqrt(np.sum(response**2))
    return np.asarray(sos)
