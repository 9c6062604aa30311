"""What a virtual sensor offers to who connects: its characteristics, as the profile needs them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import NAMESPACE_OID, uuid5

from bumble.att import AttributeValue
from bumble.gatt import Characteristic, Service

from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.virtual.advertisement import short

BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
_BATTERY, _DEVICE_INFORMATION = "0000180f-0000-1000-8000-00805f9b34fb", "0000180a-0000-1000-8000-00805f9b34fb"
_Properties = Characteristic.Properties


class Table:
    """The characteristics of a sensor, and the services that they are in.

    Parameters
    ----------
    profile : FirmwareProfile
        Which there are: one can stream and take commands at the same time.
    battery : str or None
        The one that tells the battery.
    missing : collection of str
        Which there are not, all the same.
    value : callable
        ``value(uuid)`` gives what reads and takes the value of a characteristic.
    """

    def __init__(
        self,
        profile: FirmwareProfile,
        battery: str | None,
        missing: Collection[str],
        value: Callable[[str], AttributeValue[bytes]],
    ) -> None:
        self.characteristics: dict[str, Characteristic[bytes]] = {
            uuid: Characteristic[bytes](short(uuid), properties, _permissions(properties), value(uuid))
            for uuid, properties in _needed(profile, battery).items()
            if uuid not in missing
        }
        main = (profile.match.service if profile.match else None) or str(uuid5(NAMESPACE_OID, profile.id))
        members: dict[str, list[Characteristic[bytes]]] = {main: []}
        for uuid, characteristic in self.characteristics.items():
            members.setdefault(_home(uuid) or main, []).append(characteristic)
        self.services = [Service(short(uuid), inside) for uuid, inside in members.items()]


def _needed(profile: FirmwareProfile, battery: str | None) -> dict[str, _Properties]:
    """Give what each characteristic must be able to do."""
    assert profile.stream is not None
    needed: dict[str, _Properties] = {}

    def need(uuid: str, properties: _Properties) -> None:
        needed[uuid] = needed.get(uuid, _Properties(0)) | properties

    for uuid in profile.stream.all:
        need(uuid, _Properties.READ | _Properties.NOTIFY)
    for write in (*profile.start, *profile.stop, *((profile.keep_alive.write,) if profile.keep_alive else ())):
        need(write.characteristic, _Properties.WRITE | _Properties.WRITE_WITHOUT_RESPONSE)
        if write.reply is not None:
            need(write.reply_from or write.characteristic, _Properties.NOTIFY)
    if profile.firmware is not None:
        need(profile.firmware.characteristic, _Properties.READ)
    if battery is not None:
        need(battery, _Properties.READ | _Properties.NOTIFY)
    return needed


def _permissions(properties: _Properties) -> Characteristic.Permissions:
    readable = Characteristic.READABLE if properties & _Properties.READ else 0
    return Characteristic.Permissions(readable | (Characteristic.WRITEABLE if properties & _Properties.WRITE else 0))


def _home(uuid: str) -> str | None:
    """Give the service that a characteristic of the Bluetooth SIG belongs to, of those that sensors have."""
    if uuid == BATTERY_LEVEL:
        return _BATTERY
    if "00002a23" <= uuid[:8] <= "00002a2a" and uuid[8:] == BATTERY_LEVEL[8:]:
        return _DEVICE_INFORMATION
    return None
