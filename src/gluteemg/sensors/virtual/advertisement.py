"""What a sensor calls into the air: written by the sensor, read by the scanner."""

from __future__ import annotations

from dataclasses import dataclass, field

from bleak.uuids import normalize_uuid_str
from bumble.core import UUID, AdvertisingData

_ROOM = 31
"""Bytes in an advertisement, and again in a scan response (Bluetooth Core 5.4, Vol 6, Part B, 2.3.1)."""
_SIG = "-0000-1000-8000-00805f9b34fb"
_FLAGS = bytes([AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED])
_Kind = AdvertisingData.Type


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What is told in one advertisement, or in a scan response.

    Parameters
    ----------
    name : str or None
        The sensor's name.
    services : tuple of str
        UUIDs of the services that it tells of.
    manufacturer : dict of int to bytes
        Data of manufacturers, by company id.
    """

    name: str | None = None
    services: tuple[str, ...] = ()
    manufacturer: dict[int, bytes] = field(default_factory=dict)

    def write(self) -> tuple[bytes, bytes]:
        """Give the advertisement and the scan response: the name goes into the second where the first is too short."""
        fields: list[tuple[int, bytes]] = [(_Kind.FLAGS, _FLAGS)]
        fields += [(_Kind.MANUFACTURER_SPECIFIC_DATA, k.to_bytes(2, "little") + v) for k, v in self.manufacturer.items()]
        for uuid in map(short, self.services):
            is_short = len(uuid.to_bytes()) == 2
            kind = _Kind.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS if is_short else None
            fields.append((kind or _Kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, uuid.to_bytes()))
        name = (self.name or "").encode()
        named = (_Kind.COMPLETE_LOCAL_NAME, name)
        if len(name) > _ROOM - 2:
            named = (_Kind.SHORTENED_LOCAL_NAME, name[: _ROOM - 2])
        whole = bytes(AdvertisingData([*fields, named]))
        return (whole, b"") if len(whole) <= _ROOM else (bytes(AdvertisingData(fields)), bytes(AdvertisingData([named])))

    @classmethod
    def read(cls, data: AdvertisingData) -> Advertisement:
        """Read what was heard."""
        services = [
            uuid
            for kind in (
                _Kind.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
                _Kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
            )
            for uuid in data.get(kind) or []
        ]
        return cls(
            data.get(_Kind.COMPLETE_LOCAL_NAME) or data.get(_Kind.SHORTENED_LOCAL_NAME),
            tuple(map(full, services)),
            dict(data.get_all(_Kind.MANUFACTURER_SPECIFIC_DATA)),
        )


def short(uuid: str) -> UUID:
    """Give a UUID as it is sent: those of the Bluetooth SIG have 16 bits."""
    return UUID(uuid[4:8] if uuid.startswith("0000") and uuid.endswith(_SIG) else uuid)


def full(uuid: UUID) -> str:
    """Write a UUID out, as bleak does."""
    return normalize_uuid_str(uuid.to_hex_str("-"))
