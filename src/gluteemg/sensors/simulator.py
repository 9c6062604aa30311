"""A simulated person wearing simulated sensors: plausible EMG by a script, with the truth kept beside it.

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
from gluteemg.muscles import HAMSTRINGS, Role
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.framing import payloads_of
from gluteemg.sensors.profile import FirmwareProfile, Signal
from gluteemg.sensors.rounds import Rounds
from gluteemg.sensors.source import Packet, PacketKind


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the script, as the person is told: they follow `REACTION_S` later.

    Parameters
    ----------
    name : str
        What is asked for.
    start_s, end_s : float
        Script time, seconds from the first sample.
    """

    name: str
    start_s: float
    end_s: float


REST = Step("rest", 0.0, 4.0)
SQUEEZE = Step("squeeze", 4.5, 6.5)
"""Gluteus maximus and medius at exactly their reference."""
HEEL_DIG = Step("heel_dig", 7.0, 9.0)
"""Hamstrings at exactly their reference."""

FIRST_REP_S = 9.8
"""When the repetitions begin (chosen: with the period, three whole ones have ended by 19.0 s)."""
REP_PERIOD_S = 3.25
"""From one repetition to the next (chosen: at least 0.8 s of rest between)."""
REP_S = 2.4
"""Work in one repetition, rise and fall included (chosen)."""
REACTION_S = 0.2
"""From a cue to the first activity (chosen: a simple reaction to a sound takes 0.15 to 0.25 s)."""
_REACTION_SPREAD_S = 0.05
_OVERHOLD_S = 0.1  # how long a step is held past its end
_STEP_RAMP_S = 0.25  # rise and fall of a step (chosen: a brisk voluntary contraction)
_REP_RAMP_S = 0.5  # rise and fall of a repetition (chosen: a slow lift)
_LEVEL_SPREAD = 0.06  # SD of ln(level) from rep to rep (chosen, at the lower end of the 11 to 22 % of Bolgla & Uhl 2007)
_RATIO_SPREAD = 0.08  # SD of ln(ratio) from rep to rep (chosen: moves the share of one rep by 0.02)
_LEAK = 0.07
"""Share of its reference that a muscle shows in a step meant for another: co-contraction and cross-talk (chosen)."""

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
class Scenario:
    """How a simulated person works in a repetition.

    Parameters
    ----------
    id : str
        Its name on the command line.
    glutes, hamstrings : float
        Activation at the top of a repetition, as a fraction of the reference.
    others : float
        The same for every other muscle.
    """

    id: str
    glutes: float
    hamstrings: float
    others: float = 0.15

    def level(self, muscle: str) -> float:
        """Give the activation of `muscle` at the top of a repetition; the medius follows the maximus at 0.8 (chosen)."""
        if muscle in HAMSTRINGS:
            return self.hamstrings
        return {"gluteus_maximus": 1.0, "gluteus_medius": 0.8}.get(muscle, 0.0) * self.glutes or self.others


SCENARIOS: Mapping[str, Scenario] = {
    s.id: s
    for s in (
        Scenario("hamstring-led", glutes=0.30, hamstrings=0.70),  # share 0.30
        Scenario("shared", glutes=0.55, hamstrings=0.55),  # share 0.50
        Scenario("glute-led", glutes=0.75, hamstrings=0.32),  # share 0.70
    )
}


@dataclass(frozen=True, slots=True)
class TrueRep:
    """What one repetition really was: its span in script time and the activation at its top."""

    start_s: float
    end_s: float
    glutes: float
    hamstrings: float

    @property
    def ln_ratio(self) -> float:
        """``ln(glutes / hamstrings)``; rise and fall are common, so the means have the same ratio."""
        return float(np.log(self.glutes / self.hamstrings))


@dataclass(frozen=True, slots=True)
class Person:
    """A person who follows the script and then does repetitions for ever; left and right work alike.

    Parameters
    ----------
    scenario : Scenario
        Which muscle does the work.
    seed : int
        Decides the variation from repetition to repetition.
    """

    scenario: Scenario
    seed: int = 0

    def activation(self, muscle: str, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the true activation of a muscle, as a fraction of its reference.

        Parameters
        ----------
        muscle : str
            One of `gluteemg.muscles.MUSCLES`.
        t_s : ndarray of shape (n,)
            Script time.

        Returns
        -------
        ndarray of shape (n,)
        """
        squeezing = 1.0 if muscle in ("gluteus_maximus", "gluteus_medius") else _LEAK
        digging = 1.0 if muscle in HAMSTRINGS else _LEAK
        number, since_s = self.rep_at(t_s)
        factor = self._factors(number)[:, int(muscle in HAMSTRINGS)]
        rep = self.scenario.level(muscle) * factor * _plateau(since_s, REP_S, _REP_RAMP_S)
        return squeezing * _follow(SQUEEZE, t_s) + digging * _follow(HEEL_DIG, t_s) + rep

    def rep_at(self, t_s: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Give the number of the repetition whose turn it is, and the seconds since its first activity (negative before)."""
        number = np.maximum((t_s - FIRST_REP_S) // REP_PERIOD_S, 0).astype(np.int64)
        return number, t_s - self._starts(number)

    def reps(self, end_s: float) -> tuple[TrueRep, ...]:
        """Give the repetitions that have ended by `end_s` of script time."""
        number = np.arange(max(0, int((end_s - FIRST_REP_S) // REP_PERIOD_S) + 1))
        starts, factors = self._starts(number), self._factors(number)
        glutes, hamstrings = self.scenario.glutes * factors[:, 0], self.scenario.hamstrings * factors[:, 1]
        rows = zip(starts.tolist(), (starts + REP_S).tolist(), glutes.tolist(), hamstrings.tolist(), strict=True)
        return tuple(TrueRep(*row) for row in rows if row[1] <= end_s)

    def share(self, end_s: float) -> float | None:
        """Give the true glute share of the repetitions ended by `end_s`, from their mean ``ln R``; None without any."""
        reps = self.reps(end_s)
        return float(1 / (1 + np.exp(-np.mean([r.ln_ratio for r in reps])))) if reps else None

    def _starts(self, number: NDArray[np.int64]) -> NDArray[np.float64]:
        reaction_s = REACTION_S + _REACTION_SPREAD_S * self._draws(number)[:, 2]
        starts: NDArray[np.float64] = FIRST_REP_S + REP_PERIOD_S * number + reaction_s
        return starts

    def _factors(self, number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give glute and hamstring levels of each repetition relative to the scenario's, shape (n, 2)."""
        draws = self._draws(number)
        level, ratio = _LEVEL_SPREAD * draws[:, 0], _RATIO_SPREAD * draws[:, 1]
        factors: NDArray[np.float64] = np.exp(np.column_stack((level + ratio / 2, level - ratio / 2)))
        return factors

    def _draws(self, number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the row of `_rep_draws` that belongs to each repetition."""
        last = int(number.max(initial=0))
        first = int(number.min(initial=last)) // _REPS_DRAWN
        drawn = [_rep_draws(self.seed, page) for page in range(first, last // _REPS_DRAWN + 1)]
        return np.concatenate(drawn)[number - first * _REPS_DRAWN]


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
_REPS_DRAWN = 64  # repetitions whose variation is drawn at once (chosen)
_EMG, _LOSS, _LINK, _REPS = range(4)  # what a stream of random numbers is for
_LOW_HZ, _HIGH_HZ = 60.0, 120.0  # corners of the spectrum (chosen: median frequency 90 Hz, usual for these muscles)


@lru_cache(maxsize=64)
def _rep_draws(seed: int, page: int) -> NDArray[np.float64]:
    """Level, ratio (standard normal, held within two SD) and reaction (0 to 1) of `_REPS_DRAWN` repetitions."""
    random = np.random.default_rng((seed, _REPS, page))
    normal = np.clip(random.standard_normal((_REPS_DRAWN, 2)), -2, 2)
    return np.column_stack((normal, random.random(_REPS_DRAWN)))


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


def _follow(step: Step, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell how far the person follows a step, 0 to 1: late at its start, a little late at its end."""
    start_s = step.start_s + REACTION_S
    return _plateau(t_s - start_s, step.end_s + _OVERHOLD_S + _STEP_RAMP_S - start_s, _STEP_RAMP_S)


def _plateau(since_s: NDArray[np.float64], length_s: float, ramp_s: float) -> NDArray[np.float64]:
    """Rise smoothly to one and fall to zero within `length_s`."""
    part = np.clip(np.minimum(since_s, length_s - since_s) / ramp_s, 0, 1)
    smooth: NDArray[np.float64] = 0.5 - 0.5 * np.cos(np.pi * part)
    return smooth
