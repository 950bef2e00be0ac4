"""``python -m wslusb.labgrid.exporter`` is labgrid-exporter, and knows what a ``WslusbDevice`` is."""

from __future__ import annotations

from typing import Any

import attr
from labgrid.remote import exporter
from labgrid.remote.exporter import InvalidResourceRequestError, ResourceExport

from ..errors import LocalError
from .resource import WslusbDevice

__all__ = ["WslusbDeviceExport", "main"]


@attr.s(eq=False)
class WslusbDeviceExport(ResourceExport):
    """On loan to the host's guests while a place has it.

    What labgrid calls start and stop is not used: it would end a loan for a board that reboots, and what fails there
    once is broken until the exporter starts anew.
    """

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.data["cls"] = f"Network{self.cls}"
        # The first two are labgrid's, whose classes mypy does not see.
        self.local = WslusbDevice(target=None, name=None, **self.local_params)  # type: ignore[call-arg]

    def _get_params(self) -> dict[str, Any]:
        device = self.local
        return {
            "host": self.host,
            "busid": device.busid,
            "vendor_id": device.vendor_id,
            "model_id": device.model_id,
            "serial": device.serial,
            "extra": {"description": device.description, "reason": device.reason},
        }

    def acquire(self, *args: Any, **kwargs: Any) -> None:
        """Lend it, and then it is the place's. InvalidResourceRequestError, and labgrid refuses, if it is in use."""
        self.local.poll()
        try:
            self.local.lend()
        except LocalError as error:
            raise InvalidResourceRequestError(str(error)) from error
        super().acquire(*args, **kwargs)

    def release(self, *args: Any, **kwargs: Any) -> None:
        """Take it back from the guest that has it, whatever became of labgrid's client."""
        try:
            self.local.give_back()
        except LocalError as error:
            self.logger.error("%s: %s", self.local.busid, error)
        super().release(*args, **kwargs)


def main() -> None:
    """Run labgrid's own exporter; its options are its own."""
    exporter.exports["WslusbDevice"] = WslusbDeviceExport
    exporter.main()


if __name__ == "__main__":
    main()
