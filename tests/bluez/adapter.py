"""A Bluetooth adapter of software, given to the Linux kernel: sensors of software on the same link are in its reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bumble import hci
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport import open_transport

_PATH = "/org/bluez/hci0"
_TOO_NEW = hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
"""With one of them the kernel waits, after each connection, 4 s for an enhanced event that bumble does not send."""
_DONE = hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


class _Controller(Controller):
    """What the kernel asks for and bumble 0.0.236 leaves open."""

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        self.le_scan_enable, self.pending_le_connection = False, None
        return _DONE

    def on_hci_le_set_random_address_command(
        self, _command: hci.HCI_LE_Set_Random_Address_Command
    ) -> hci.HCI_StatusReturnParameters:
        # The link takes a controller for its random address, the kernel scans under an ever new one: keep the first.
        return _DONE

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        if (pending := self.pending_le_connection) is not None:
            self.pending_le_connection = None
            cancelled = hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
            asyncio.get_running_loop().call_soon(self.send_hci_packet, cancelled)  # after the answer to the command
        return _DONE


@asynccontextmanager
async def adapter(link: LocalLink) -> AsyncIterator[None]:
    """Plug it in, and wait until bluetoothd has switched it on."""
    async with await open_transport("vhci") as transport:
        # Without an address of its own the kernel leaves it off.
        controller = _Controller("adapter", transport.source, transport.sink, link, public_address="C0:00:00:00:00:01")
        controller.random_address = controller.public_address
        controller.le_features &= ~_TOO_NEW
        while "boolean true" not in await _properties("Get", "string:Powered"):
            await switch(on=True)
        yield


async def switch(*, on: bool) -> None:
    """Do what a person does in the settings of the system."""
    await _properties("Set", "string:Powered", f"variant:boolean:{str(on).lower()}")


async def _properties(method: str, *values: str) -> str:
    command = ["dbus-send", "--system", "--print-reply", "--dest=org.bluez", _PATH]
    command += [f"org.freedesktop.DBus.Properties.{method}", "string:org.bluez.Adapter1", *values]
    run = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    return (await run.communicate())[0].decode()
