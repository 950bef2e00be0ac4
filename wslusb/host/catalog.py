"""What the host has: the devices of all providers, which of them are shared, and who has them now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from ..device.api import Device, DeviceProvider
from ..device.describe import Description, describe
from ..device.describe_open import describe_from
from ..errors import DeviceError, LocalError, LocalReason
from ..usb import naming
from ..usb.info import DeviceInfo
from ..usb.urb import Status
from ..wire.listing import DeviceState, Listed
from .bindings import Bindings

__all__ = ["Catalog", "Claim"]


class Claim:
    """One owner's hold on one device. ``revoke`` makes the owner let go."""

    def __init__(self, info: DeviceInfo, owner: str, revoke: Callable[[], None]) -> None:
        self.info = info
        self.owner = owner
        self.revoke = revoke
        self.released = threading.Event()


class Catalog:
    """Devices by busid. Everything here may be called from any thread."""

    def __init__(self, providers: Sequence[DeviceProvider], bindings: Bindings) -> None:
        self._providers = providers
        self.bindings = bindings
        self._claims: dict[str, Claim] = {}
        self._lock = threading.Lock()

    def devices(self) -> list[DeviceInfo]:
        """All devices that are plugged in."""
        return [info for provider in self._providers for info in provider.devices()]

    def listed(self) -> list[Listed]:
        """All devices with their states."""
        bound = self.bindings.all()
        entries = []
        for info in self.devices():
            claim = self._claims.get(info.busid)
            shared = any(identity.matches(info.identity) for identity in bound)
            state = DeviceState.ATTACHED if claim else DeviceState.SHARED if shared else DeviceState.NOT_SHARED
            entries.append(Listed(info, state, claim.owner if claim else ""))
        return entries

    def find(self, name: str) -> DeviceInfo:
        """The device that a user means."""
        return naming.find(self.devices(), name)

    def claim(self, busid: str, generation: int, owner: str, revoke: Callable[[], None]) -> Claim:
        """Take hold of a shared device for ``owner``. DeviceError with what to do if it cannot be had."""
        _provider, info = self._locate(busid)
        if generation not in (0, info.generation):
            raise DeviceError(Status.GONE, f"device {busid} has been unplugged and another plugged in since")
        with self._lock:
            other = self._claims.get(busid)
            if other is not None:
                raise DeviceError(Status.BUSY, f"device {busid} is attached to {other.owner} already")
            claim = self._claims[busid] = Claim(info, owner, revoke)
        try:
            # Only now: an unbind either finds this claim and revokes it, or is seen here.
            self._check_shared(info)
        except BaseException:
            self.release(claim)
            raise
        return claim

    def _check_shared(self, info: DeviceInfo) -> None:
        if not self.bindings.is_bound(info):
            hint = f"run 'wslusb bind {info.busid}' on the host first"
            raise DeviceError(Status.ACCESS_DENIED, f"device {info.busid} is not shared: {hint}", hint=hint)

    def open(self, claim: Claim) -> Device:
        """Open a claimed device. DeviceError if its system does not give it."""
        provider, info = self._locate(claim.info.busid)
        if info.generation != claim.info.generation:
            raise DeviceError(Status.GONE, f"device {info.busid} has just been unplugged")
        return provider.open(info)

    def release(self, claim: Claim) -> None:
        """The owner has let go; the device is closed."""
        with self._lock:
            if self._claims.get(claim.info.busid) is claim:
                del self._claims[claim.info.busid]
        claim.released.set()

    def describe(self, name: str, *, attached: bool = False) -> Description:
        """What a device says of itself. Nobody else can have it meanwhile.

        DeviceError BUSY if somebody has it now; with ``attached``, what is known without asking it is enough then.
        """
        provider, info = self._locate(self.find(name).busid)
        mine = Claim(info, "wslusb describe", lambda: None)
        with self._lock:
            other = self._claims.setdefault(info.busid, mine)
        if other is not mine and attached:
            found = describe(info, None)
            found.unread.insert(0, f"it is attached to {other.owner}")
            return found
        if other is not mine:
            hint = "run 'wslusb describe' in that guest"
            raise DeviceError(Status.BUSY, f"device {info.busid} is attached to {other.owner}", hint=hint)
        try:
            return describe_from(provider, info.busid)
        finally:
            self.release(mine)

    def claims(self) -> list[Claim]:
        """What is attached now."""
        with self._lock:
            return list(self._claims.values())

    def claim_of(self, busid: str) -> Claim:
        """Who has a device; LocalError if nobody does."""
        claim = self._claims.get(busid)
        if claim is None:
            raise LocalError(LocalReason.NOT_FOUND, f"device {busid} is not attached")
        return claim

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` when devices come or go."""
        for provider in self._providers:
            provider.watch(changed)

    def close(self) -> None:
        """Close the providers."""
        for provider in self._providers:
            provider.close()

    def _locate(self, busid: str) -> tuple[DeviceProvider, DeviceInfo]:
        for provider in self._providers:
            for info in provider.devices():
                if info.busid == busid:
                    return provider, info
        raise DeviceError(Status.GONE, f"there is no device {busid}")
