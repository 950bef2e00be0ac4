"""Resources and drivers for labgrid (docs/labgrid.md): ``imports: [wslusb.labgrid]`` in an environment file.

Nothing else of wslusb imports this room, and labgrid is imported nowhere else.
"""

from __future__ import annotations

from ..errors import LocalError, LocalReason

try:
    import labgrid as _labgrid  # noqa: F401 -- here, where its absence can be said in one line
except ModuleNotFoundError as error:
    _HINT = "pip install 'wslusb[labgrid]'"
    raise LocalError(LocalReason.MISSING, f"wslusb.labgrid needs labgrid: {_HINT}", hint=_HINT) from error

from .driver import WslusbDriver, WslusbGuestDriver
from .nodes import WslusbMassStorage, WslusbSerialPort
from .resource import NetworkWslusbDevice, WslusbDevice
from .userspace import WslusbPyusbDriver

__all__ = [
    "NetworkWslusbDevice",
    "WslusbDevice",
    "WslusbDriver",
    "WslusbGuestDriver",
    "WslusbMassStorage",
    "WslusbPyusbDriver",
    "WslusbSerialPort",
]
