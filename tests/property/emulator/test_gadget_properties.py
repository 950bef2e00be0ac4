"""emulator.gadget: whatever descriptors a device has, they come back byte for byte; rules and variants never fail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulator.gadget import Gadget
from emulator.rules import findings
from emulator.variants import at_speed
from wslusb.usb.descriptors import Configuration, Endpoint, Interface
from wslusb.usb.ids import Speed, TransferType

SPEEDS = (Speed.LOW, Speed.FULL, Speed.HIGH, Speed.SUPER)
u8 = st.integers(0, 0xFF)
device_bytes = st.binary(min_size=16, max_size=16).map(lambda body: bytes((18, 1)) + body)
pieces = st.one_of(
    st.binary(min_size=7, max_size=9).map(lambda body: bytes((len(body) + 2, 4)) + body),
    st.binary(min_size=5, max_size=7).map(lambda body: bytes((len(body) + 2, 5)) + body),
    st.tuples(u8, st.binary(max_size=12)).map(lambda each: bytes((len(each[1]) + 2, each[0])) + each[1]),
)
configuration_bytes = st.tuples(st.binary(min_size=7, max_size=7), st.lists(pieces, max_size=12), st.binary(max_size=9))
configurations = configuration_bytes.map(lambda it: bytes((9, 2)) + it[0] + b"".join(it[1]) + it[2])


@given(device_bytes, st.lists(configurations, max_size=3), st.binary(max_size=30), st.sampled_from(SPEEDS))
def test_descriptors_come_back_byte_for_byte(device: bytes, raw: list[bytes], store: bytes, speed: Speed) -> None:
    gadget = Gadget.from_descriptors(device, raw, {3: "third"}, store, speed)
    assert gadget.device.pack() == device
    assert [each.pack() for each in gadget.configurations] == raw
    assert (gadget.bos, gadget.strings) == (store, ("", "", "third"))
    info = gadget.info("9-1")
    assert (info.device_descriptor, list(info.configurations), info.bos) == (device, raw, store)
    assert all(str(finding) for finding in findings(gadget))


kinds = st.sampled_from([TransferType.BULK, TransferType.INTERRUPT, TransferType.ISOCHRONOUS])
high_speed_sizes = {
    TransferType.BULK: st.just(512),
    TransferType.INTERRUPT: st.integers(1, 1024),
    TransferType.ISOCHRONOUS: st.integers(1, 1024) | st.integers(513, 1024).map(lambda size: size | 0x0800),
}


@st.composite
def high_speed_settings(draw: st.DrawFn) -> list[Endpoint]:
    endpoints = []
    for address in draw(st.lists(st.integers(1, 15), unique=True, max_size=6)):
        kind = draw(kinds)
        direction = draw(st.sampled_from([0, 0x80]))
        size, interval = draw(high_speed_sizes[kind]), draw(st.integers(1, 16))
        endpoints.append(Endpoint(address | direction, kind, size, interval))
    return endpoints


@given(high_speed_settings(), st.integers(0, 250), st.sampled_from(SPEEDS), st.sampled_from(SPEEDS))
def test_a_variant_keeps_all_strict_rules_of_its_speed(
    endpoints: list[Endpoint], power: int, speed: Speed, other: Speed
) -> None:
    configuration = Configuration(1, [Interface(0, endpoints=endpoints)], max_power=power)
    raw = bytes.fromhex("120100020000004034127856000100000001")
    gadget = Gadget.from_descriptors(raw, [configuration.pack()], checked=True)
    for variant in (at_speed(gadget, speed), at_speed(at_speed(gadget, speed), other)):
        assert [str(finding) for finding in findings(variant) if finding.strict] == []
