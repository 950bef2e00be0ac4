"""wslusb.host.catalog: one owner a device."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator import device_provider
from emulator.provider import EmulatorProvider
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.host.bindings import Bindings
from wslusb.host.catalog import Catalog, Claim
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Status
from wslusb.wire.listing import DeviceState


@pytest.fixture
def provider() -> EmulatorProvider:
    return device_provider("loopback,storage:serial=S")


@pytest.fixture
def catalog(provider: EmulatorProvider, tmp_path: Path) -> Catalog:
    made = Catalog([provider], Bindings(tmp_path / "b"))
    made.bindings.bind(made.find("9-1"))
    return made


def nothing() -> None:
    """A revoke."""


def test_states(catalog: Catalog) -> None:
    assert [listed.state for listed in catalog.listed()] == [DeviceState.SHARED, DeviceState.NOT_SHARED]
    claim = catalog.claim("9-1", 0, "CID 5", nothing)
    assert [(listed.state, listed.owner) for listed in catalog.listed()] == [
        (DeviceState.ATTACHED, "CID 5"),
        (DeviceState.NOT_SHARED, ""),
    ]
    assert catalog.claims() == [claim]
    assert catalog.claim_of("9-1") is claim
    catalog.release(claim)
    assert claim.released.is_set()
    catalog.release(claim)
    with pytest.raises(LocalError) as caught:
        catalog.claim_of("9-1")
    assert caught.value.reason is LocalReason.NOT_FOUND


@pytest.mark.parametrize(
    ("busid", "generation", "status"),
    [("9-2", 0, Status.ACCESS_DENIED), ("9-9", 0, Status.GONE), ("", 0, Status.GONE), ("9-1", 2, Status.GONE)],
)
def test_refusals(catalog: Catalog, busid: str, generation: int, status: Status) -> None:
    with pytest.raises(DeviceError) as caught:
        catalog.claim(busid, generation, "CID 5", nothing)
    assert caught.value.status == status
    assert catalog.claims() == []


def test_one_owner(catalog: Catalog) -> None:
    catalog.claim("9-1", 1, "CID 5", nothing)
    with pytest.raises(DeviceError, match="CID 5") as caught:
        catalog.claim("9-1", 1, "CID 6", nothing)
    assert caught.value.status == Status.BUSY


def test_a_late_release_does_not_free_the_next_owners_claim(catalog: Catalog) -> None:
    first = catalog.claim("9-1", 1, "CID 5", nothing)
    catalog.release(first)
    second = catalog.claim("9-1", 1, "CID 6", nothing)
    catalog.release(first)
    assert catalog.claims() == [second]


def test_a_device_that_goes_between_claim_and_open(catalog: Catalog, provider: EmulatorProvider) -> None:
    claim = catalog.claim("9-1", 1, "CID 5", nothing)
    provider.replug("9-1")
    with pytest.raises(DeviceError) as caught:
        catalog.open(claim)
    assert caught.value.status == Status.GONE


def test_open_and_watch(catalog: Catalog, provider: EmulatorProvider) -> None:
    catalog.open(catalog.claim("9-1", 1, "CID 5", nothing)).close()
    changes: list[int] = []
    catalog.watch(lambda: changes.append(1))
    provider.unplug("9-2")
    assert changes == [1]
    catalog.close()
    provider.plug("9-2")
    assert changes == [1]


class Raced(Bindings):
    """An unbind comes just before, or just after, a claim has looked whether the device is shared."""

    before = after = staticmethod(nothing)

    def is_bound(self, info: DeviceInfo) -> bool:
        self.before()
        bound = super().is_bound(info)
        self.after()
        return bound


def test_an_unbind_before_the_look_refuses_the_claim(provider: EmulatorProvider, tmp_path: Path) -> None:
    catalog = Catalog([provider], bindings := Raced(tmp_path / "b"))
    info = catalog.find("9-1")
    bindings.bind(info)
    bindings.before = lambda: bindings.unbind(info.identity)  # type: ignore[assignment]
    with pytest.raises(DeviceError) as caught:
        catalog.claim("9-1", 0, "CID 5", nothing)
    assert caught.value.status == Status.ACCESS_DENIED
    assert catalog.claims() == []


def test_an_unbind_after_the_look_finds_the_claim(provider: EmulatorProvider, tmp_path: Path) -> None:
    catalog = Catalog([provider], bindings := Raced(tmp_path / "b"))
    bindings.bind(catalog.find("9-1"))
    found: list[Claim] = []
    bindings.after = lambda: found.extend(catalog.claims())
    assert [catalog.claim("9-1", 0, "CID 5", nothing)] == found


def test_a_damaged_file_leaves_no_claim(catalog: Catalog) -> None:
    catalog.bindings.path.write_text("{")
    with pytest.raises(LocalError):
        catalog.claim("9-1", 0, "CID 5", nothing)
    assert catalog.claims() == []
