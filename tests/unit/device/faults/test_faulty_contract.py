"""The Device contract on a virtual device with faults that do nothing: an empty plan, and one that never strikes."""

from __future__ import annotations

from emulator import device_provider
from tests.integration.device_contract import DeviceContract
from tests.integration.test_device_contract_emulator import LOOPBACK_TRAITS
from wslusb.device.api import Device
from wslusb.device.faults import KINDS, Fault, Faulty, FaultyProvider, Plan, When, Where
from wslusb.device.faults.reading import read_what

NEEDED: dict[str, dict[str, object]] = {
    "delay": {"seconds": 1},
    "late": {"seconds": 1},
    "bandwidth": {"bytes_per_second": 1},
    "iso-errors": {"share": 1},
    "reenumerate": {"become": "x"},
}
"""Parameters that a kind cannot do without."""
NEVER = Plan(
    [Fault(read_what({"kind": kind, **NEEDED.get(kind, {})}, ""), Where(), When(nth=(1 << 30,))) for kind in KINDS]
)


class TestWithoutFaults(DeviceContract):
    traits = LOOPBACK_TRAITS

    def open_device(self) -> Device:
        provider = device_provider("loopback")
        return Faulty(provider.open(provider.devices()[0]), Plan())


class TestWithFaultsThatNeverCome(DeviceContract):
    traits = LOOPBACK_TRAITS

    def open_device(self) -> Device:
        provider = FaultyProvider(device_provider("loopback"), NEVER, 1)
        device = provider.open(provider.devices()[0])
        assert isinstance(device, Faulty)
        return device


class TestWithADelayOnEveryUrb(DeviceContract):
    """Everything takes the way by the clock's thread, and keeps its order."""

    traits = LOOPBACK_TRAITS

    def open_device(self) -> Device:
        plan = Plan([Fault(read_what({"kind": kind, "seconds": 0, "jitter": 1e-6}, "")) for kind in ("delay", "late")])
        provider = device_provider("loopback")
        return Faulty(provider.open(provider.devices()[0]), plan)
