"""Samples to packets, by a profile: the inverse of `gluteemg.sensors.decoder`, for virtual sensors and imports."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gluteemg.sensors.profile import FirmwareProfile, PacketLayout, dtype_of


class Encoder:
    """Writes packets as a device with this profile would.

    Parameters
    ----------
    profile : FirmwareProfile
        The device to imitate. Its first EMG layout is used.
    """

    def __init__(self, profile: FirmwareProfile) -> None:
        self._profile = profile
        self._layout = next(p for p in profile.packets if p.kind == "emg")

    @property
    def samples_per_packet(self) -> int | None:
        """Samples of every channel in one packet; None if the layout leaves it open."""
        return self._layout.records

    def encode(self, emg: NDArray[np.float64], first_index: int) -> bytes:
        """Write one packet.

        Parameters
        ----------
        emg : ndarray of shape (n_samples, n_channels)
            In the profile's unit; rounded to whole counts and held at the ends of the converter, as hardware does.
        first_index : int
            Number of the first sample since the sensor started.

        Returns
        -------
        bytes
            The payload of one notification.
        """
        return self.encode_counts(quantise(emg, self._profile), first_index)

    def encode_counts(self, counts: NDArray[np.float64], first_index: int) -> bytes:
        """Write one packet from converter counts, shape (n_samples, n_channels)."""
        layout, n = self._layout, len(counts)
        header = np.zeros(1, layout.header_dtype)
        records = np.zeros(n, layout.record_dtype)
        records["emg"] = counts
        if self._profile.counter is not None:
            if "counter" in (header.dtype.names or ()):
                step = n if self._profile.counter.counts == "packets" else 1
                header["counter"] = _wrap(np.array([first_index // step]), layout)
            else:
                records["counter"][:, 0] = _wrap(first_index + np.arange(n), layout)
        trailer = np.zeros(1, layout.trailer_dtype)
        return header.tobytes() + records.tobytes() + trailer.tobytes()


def quantise(emg: NDArray[np.float64], profile: FirmwareProfile) -> NDArray[np.float64]:
    """Give the converter counts of `emg`; a profile of floating-point samples keeps them as they are."""
    signal = profile.signal
    counts = emg / signal.lsb + signal.bias
    dtype = profile.emg_dtype
    if dtype.kind == "f":
        return counts
    bits = 8 * dtype.itemsize
    ends = (0, 2**bits - 1) if dtype.kind == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    low = ends[0] if signal.low is None else signal.low
    high = ends[1] if signal.high is None else signal.high
    return np.clip(np.rint(counts), low, high)


def _wrap(counter: NDArray[np.int64], layout: PacketLayout) -> NDArray[np.int64]:
    (field,) = (f for f in (*layout.header, *layout.record) if f.field == "counter")
    bits = min(8 * dtype_of(field.type).itemsize, 62)
    wrapped: NDArray[np.int64] = counter % (1 << bits)
    return wrapped
