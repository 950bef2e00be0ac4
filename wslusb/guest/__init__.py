"""The guest side: the agent, which puts devices into the kernel through vhci_hcd, and a backend for pyusb programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import LocalError, LocalReason

if TYPE_CHECKING:
    from ..device.api import DeviceProvider
    from .backend import Backend

__all__ = ["pyusb_backend"]


def pyusb_backend(host: str | DeviceProvider = "vsock:2") -> Backend:
    """A backend for pyusb that reaches the shared devices of ``host``, with no kernel driver and no root.

    ``usb.core.find(backend=wslusb.guest.pyusb_backend("unix:/run/wslusb.sock"))``. LocalError if the host is not there.
    In place of an address it may be a provider whose devices are in this process, such as a virtual one for tests.
    """
    try:
        from .backend import Backend
    except ModuleNotFoundError as error:
        hint = "pip install 'wslusb[pyusb]'"
        raise LocalError(LocalReason.MISSING, "the pyusb backend needs pyusb", hint=hint) from error
    try:
        return Backend(host)
    except LocalError as error:
        # Where it failed inside is no help to whoever called; what to do next is, also in a traceback.
        told = LocalError(error.reason, str(error), hint=error.hint)
        if error.hint:
            told.add_note(f"hint: {error.hint}")
    raise told
