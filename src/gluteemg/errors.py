"""Every error that gluteemg raises on purpose.

Each message is one line that says what happened, to what, and what to do next::

    GluteemgError
    ├── DefinitionError          a TOML file (profile, exercise, protocol) cannot be used; lists every fault
    ├── RoleError                a muscle or side that does not exist, or a role given twice
    ├── MissingExtraError        an optional library is not installed
    ├── ImportFileError          a foreign file cannot be read as EMG
    ├── RecordingError           a recording cannot be used
    │   ├── NotARecordingError   the file is something else
    │   └── NewerFormatError     written by a later gluteemg
    └── SensorError              something about a sensor or the radio
        ├── BluetoothError       no adapter, switched off, or not allowed
        └── SensorNotFoundError  a sensor did not show up

Bad signal is not an error: it is a quality flag on a frame.
"""


class GluteemgError(Exception):
    """Root of every error that gluteemg raises on purpose."""


class DefinitionError(GluteemgError):
    """A TOML file cannot be used; the message lists every fault at once, and `faults` one by one."""

    def __init__(self, message: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class RoleError(GluteemgError):
    """A muscle or side does not exist, or a role is taken twice."""


class MissingExtraError(GluteemgError):
    """An optional library is not installed; the message names the extra that brings it."""


class ImportFileError(GluteemgError):
    """A file of another format cannot be read as EMG."""


class RecordingError(GluteemgError):
    """A recording cannot be opened, read or written."""


class NotARecordingError(RecordingError):
    """The file is not a gluteemg recording."""


class NewerFormatError(RecordingError):
    """The recording was written by a later version of gluteemg."""


class SensorError(GluteemgError):
    """A sensor or the radio cannot do what was asked."""


class BluetoothError(SensorError):
    """There is no Bluetooth adapter, it is switched off, or its use is not allowed."""


class SensorNotFoundError(SensorError):
    """A sensor did not show up while we looked for it."""
