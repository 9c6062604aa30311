"""The radio chip of a virtual sensor: bumble's, with what that leaves open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bumble import ll
from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.hci import Address
from bumble.link import LocalLink


class SensorController(Controller):
    """A controller that sends its scan response, and can turn deaf.

    bumble 0.0.236 keeps the scan response to itself. Here it follows every advertisement, as one of its own: that is what
    bumble's scanners hear, whether a program of ours or a Linux kernel stands behind them.
    """

    def __init__(self, name: str, link: LocalLink, is_deaf: Callable[[], bool]) -> None:
        super().__init__(name, link=link)
        self._is_deaf = is_deaf

    def send_advertising_pdu(self, packet: ll.AdvertisingPdu) -> None:
        """Send an advertisement, then the scan response."""
        super().send_advertising_pdu(packet)
        for advertised in self.advertising_sets.values():
            if isinstance(packet, ll.AdvExtInd) and advertised.scan_response_data:
                super().send_advertising_pdu(replace(packet, data=bytes(advertised.scan_response_data)))

    def broadcast(self, data: bytes, scan_response: bytes) -> None:
        """Advertise once and at once; a host would have to stop advertising, change what is said, and start again."""
        for part in filter(None, (data, scan_response)):
            super().send_advertising_pdu(ll.AdvInd(self.random_address, part))

    def on_link_acl_data(self, sender_address: Address, transport: PhysicalTransport, data: bytes) -> None:
        """Take what the other end asks, unless deaf: the connection stays, and nothing is answered."""
        if not self._is_deaf():
            super().on_link_acl_data(sender_address, transport, data)
