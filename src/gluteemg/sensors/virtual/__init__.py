"""Virtual sensors on a virtual radio, behind the real Bluetooth client.

bumble plays both ends of the air: sensors advertise, take commands and notify on a link in memory, and a central listens.
`VirtualRadio.client` and `VirtualRadio.scanner` are back ends for bleak, so that `bleak.BleakClient` and
`bleak.BleakScanner` do with virtual sensors what they do with real ones.
"""

from gluteemg.errors import MissingExtraError

try:
    from gluteemg.sensors.virtual.radio import VirtualRadio
    from gluteemg.sensors.virtual.sensor import VirtualSensor
except ImportError as error:
    raise MissingExtraError("Virtual sensors need bumble: install it with `pip install gluteemg[virtual]`.") from error

__all__ = ["VirtualRadio", "VirtualSensor"]
