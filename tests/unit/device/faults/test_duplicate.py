"""What the owners of URBs do about one that is completed twice: pump and relay send nothing a second time."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator import device_provider
from tests.support.kernel import RET_SUBMIT
from tests.support.relay import Rig
from tests.support.usb import bulk_in, read_zeroes
from tests.support.world import World
from wslusb.device import sync
from wslusb.device.faults import Duplicate, Fault, Faulty, FaultyProvider, Plan, When
from wslusb.host.bindings import Bindings
from wslusb.host.catalog import Catalog
from wslusb.host.service import Service
from wslusb.transport import sockets
from wslusb.usb.urb import Status

EVERY_OTHER = Plan([Fault(Duplicate(), when=When(every=2))])
REFUSED = "was completed twice: refused (KeyError"


class DoublingWorld(World):
    """A service whose devices complete every other URB twice."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        provider = FaultyProvider(self.provider, EVERY_OTHER, 1)
        self.service.close()
        self.catalog = Catalog([provider], Bindings(folder / "bindings.json"))
        self.service = Service(self.catalog, [sockets.listen(self.address)])


def test_the_pump_refuses_it_and_the_guest_hears_nothing_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with DoublingWorld(tmp_path) as world:
        world.service.bind("9-1")
        client = world.client()
        device = client.open(world.info())
        results = [sync.transfer(device, bulk_in(512, number), 10.0) for number in range(20)]
        assert {result.status for result in results} == {Status.OK}
        read_zeroes(device)
        device.close()
        client.close()
    assert caplog.text.count(REFUSED) >= 10


def test_the_relay_refuses_it_and_the_kernel_hears_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    provider = device_provider("loopback")
    device = Faulty(provider.open(provider.devices()[0]), EVERY_OTHER)
    rig = Rig(device)
    for number in range(1, 21):
        rig.kernel.submit(number, 0x81, 512)
        answer = rig.kernel.answer()
        assert (answer.command, answer.number, answer.status) == (RET_SUBMIT, number, 0)
    assert rig.kernel.silent()
    rig.close()
    device.close()
    assert caplog.text.count(REFUSED) == 10
