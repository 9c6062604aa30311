"""Packets to samples, by a profile: no device has code of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gluteemg.sensors.delta import Deltas
from gluteemg.sensors.form import Form, Reading, TextForm, forms_of
from gluteemg.sensors.framing import Framer
from gluteemg.sensors.layout import EmgField, PacketLayout, ScaleField
from gluteemg.sensors.numbering import Counted, Numbering
from gluteemg.sensors.profile import FirmwareProfile

_TOO_LARGE = 1e100
"""No sample: what is so large may not be finite once it is scaled (chosen: two numbers of 32 bits multiplied end at 1.2e77)."""


@dataclass(frozen=True, slots=True)
class Values:
    """What else a sensor told, under one name.

    Parameters
    ----------
    payload : ndarray of shape (n,), int64
        Which payload of the run brought it.
    data : ndarray of shape (n, count), float64
        In the unit that the profile gives.
    """

    payload: NDArray[np.int64]
    data: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Decoded samples of one sensor, in order, from any number of packets.

    Parameters
    ----------
    emg : ndarray of shape (n_samples, n_channels), float64
        In the unit of the profile, microvolts or counts.
    index : ndarray of shape (n_samples,), int64
        Number of each sample since the sensor started. It only grows; a step of more than one is a hole.
    counts : ndarray of shape (n_payloads,), int64
        New samples in each payload; zero for those that carry other things, came twice, or could not be read.
    rejected : int
        Packets that no layout of the profile takes: their samples show as holes.
    dropped : int
        Samples that were read and are not new or not whole: sent twice, too late, not a number, or the difference to a sample
        that was lost.
    values : mapping of str to Values
        What else was in the packets, by name.
    """

    emg: NDArray[np.float64]
    index: NDArray[np.int64]
    counts: NDArray[np.int64]
    rejected: int
    dropped: int = 0
    values: Mapping[str, Values] = field(default_factory=dict)


class Decoder:
    """Turns the payloads of one sensor into samples, remembering its counter and what is not whole yet.

    The cut of the payloads into calls changes nothing (the chunk law).

    Parameters
    ----------
    profile : FirmwareProfile
        How this sensor writes its packets.
    """

    def __init__(self, profile: FirmwareProfile) -> None:
        self._signal = profile.signal
        self._profile = profile
        self._forms: dict[int, list[Form | TextForm]] = {}  # by length of the packet
        self._framer = None if profile.framing is None else Framer(profile.framing)
        self._numbering = Numbering(profile)
        self._deltas = Deltas(profile.signal.channels) if any(p.delta for p in profile.packets) else None
        self._weights = np.array(profile.signal.weights)
        self._may_be_no_number = any(map(_may_be_no_number, profile.emg_layouts))
        self._highest = -1

    def resume(self) -> None:
        """Say that the sensor was connected anew: its counter may have started over, time goes on."""
        self._numbering.resume()
        if self._framer is not None:
            self._framer.resume()
        if self._deltas is not None:
            self._deltas.lose()

    def decode(self, payloads: Sequence[bytes], arrival_ns: NDArray[np.int64]) -> Chunk:
        """Decode payloads in the order they arrived.

        Parameters
        ----------
        payloads : sequence of bytes
            One for each notification.
        arrival_ns : ndarray of shape (n_payloads,), int64
            When each arrived.

        Returns
        -------
        Chunk
            Samples that are new: what was sent twice is dropped, what never came is a hole in `Chunk.index`.
        """
        packets, of, rejected = payloads, None, 0
        if self._framer is not None:
            cut = self._framer.cut(payloads)
            packets, of, rejected = cut.packets, np.array(cut.payload, np.int64), len(cut.skipped)
        readings, unread = self._read(packets)
        rejected += unread
        sizes, signs = np.zeros(len(packets), np.int64), np.zeros(len(packets), np.int8)
        for reading in readings:
            sizes[reading.rows], signs[reading.rows] = reading.samples, reading.sign
        values = _values(readings, of)
        brings = sizes.nonzero()[0]
        if not len(brings):
            none = np.zeros(len(payloads), np.int64)
            return Chunk(np.empty((0, self._signal.channels)), np.empty(0, np.int64), none, rejected, 0, values)
        carrier = brings if of is None else of[brings]
        emg, counted = _in_order([r for r in readings if r.samples], sizes, brings)
        index = self._numbering.place(counted, arrival_ns[carrier])

        keep = self._are_new(index)
        if self._may_be_no_number:
            keep &= (np.abs(emg) < _TOO_LARGE).all(axis=1)  # NaN is not smaller either
        if self._deltas is not None:
            emg[keep], known = self._deltas.sum_up(emg[keep], index[keep], np.repeat(signs, sizes)[keep])
            keep[keep] = known
        n_read = len(index)
        if keep.all():
            counts = np.bincount(carrier, counted.sizes, len(payloads)).astype(np.int64)
        else:
            emg, index = emg[keep], index[keep]
            counts = np.bincount(carrier.repeat(counted.sizes)[keep], minlength=len(payloads))
        if len(self._weights):
            emg = emg @ self._weights[:, np.newaxis]
        emg -= self._signal.bias
        emg *= self._signal.lsb
        return Chunk(emg, index, counts, rejected, n_read - len(index), values)

    def _are_new(self, index: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which samples have a number higher than any before."""
        if index[0] > self._highest and (index[1:] > index[:-1]).all():
            self._highest = int(index[-1])
            return np.ones(len(index), np.bool_)
        before = np.empty_like(index)
        before[0], before[1:] = self._highest, index[:-1]
        np.maximum.accumulate(before, out=before)
        self._highest = max(int(before[-1]), int(index[-1]))
        return index > before

    def _read(self, packets: Sequence[bytes]) -> tuple[list[Reading], int]:
        """Give every packet to the first form that takes it; those that none takes are counted."""
        lengths = np.fromiter(map(len, packets), np.int64, len(packets))
        readings, unread = [], 0
        for length in set(lengths.tolist()):
            rows = (lengths == length).nonzero()[0]
            same = packets if len(rows) == len(packets) else [packets[i] for i in rows.tolist()]
            matrix = np.frombuffer(b"".join(same), np.uint8).reshape(len(same), length)
            for form in self._forms_of(length):
                taken = form.takes(matrix)
                if taken.all():
                    readings.append(form.read(matrix, rows))
                    rows = rows[:0]
                    break
                if taken.any():
                    readings.append(form.read(matrix[taken], rows[taken]))
                    matrix, rows = matrix[~taken], rows[~taken]
            unread += len(rows)
        return readings, unread

    def _forms_of(self, length: int) -> list[Form | TextForm]:
        if length not in self._forms:
            self._forms[length] = forms_of(self._profile, length)
        return self._forms[length]


def _may_be_no_number(layout: PacketLayout) -> bool:
    """Tell whether samples may be NaN or infinite: those of floating-point numbers, of text, and those multiplied by such."""
    return layout.text is not None or any(f.number.is_float for f in layout.fields if isinstance(f, EmgField | ScaleField))


def _in_order(
    readings: Sequence[Reading], sizes: NDArray[np.int64], brings: NDArray[np.int64]
) -> tuple[NDArray[np.float64], Counted]:
    """Put the samples of all readings, and what their counters say, into the order of their packets."""
    sizes = sizes[brings]
    n_channels = readings[0].emg.shape[2]
    if len(readings) == 1:
        (one,) = readings
        steps = np.ones(int(sizes.sum()), np.int64) if one.steps is None else one.steps.reshape(-1)
        modulus = np.full(len(sizes), one.modulus, np.int64)
        return one.emg.reshape(-1, n_channels), Counted(sizes, one.first, one.last, modulus, steps)
    emg, steps = np.empty((int(sizes.sum()), n_channels)), np.ones(int(sizes.sum()), np.int64)
    first, last, modulus = (np.zeros(len(sizes), np.int64) for _ in range(3))
    starts = np.cumsum(sizes) - sizes
    for reading in readings:
        at = np.searchsorted(brings, reading.rows)
        first[at], last[at], modulus[at] = reading.first, reading.last, reading.modulus
        samples = starts[at][:, np.newaxis] + np.arange(reading.samples)
        emg[samples] = reading.emg
        if reading.steps is not None:
            steps[samples] = reading.steps
    return emg, Counted(sizes, first, last, modulus, steps)


def _values(readings: Sequence[Reading], of: NDArray[np.int64] | None) -> dict[str, Values]:
    """Gather what else the packets held, in the order of their payloads."""
    found: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = {}
    for reading in readings:
        payload = reading.rows if of is None else of[reading.rows]
        for name, data in reading.values.items():
            found.setdefault(name, []).append((np.repeat(payload, len(data) // len(payload)), data))
    gathered = {name: Values(*parts[0]) for name, parts in found.items()}
    for name, parts in ((name, parts) for name, parts in found.items() if len(parts) > 1):
        payload = np.concatenate([payload for payload, _ in parts])
        order = np.argsort(payload, kind="stable")
        gathered[name] = Values(payload[order], np.concatenate([data for _, data in parts])[order])
    return gathered
