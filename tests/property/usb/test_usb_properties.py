"""wslusb.usb on all inputs: bytes there and back, and junk that raises nothing but LocalError."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from wslusb.errors import LocalError
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface, split
from wslusb.usb.descriptors_extra import Companion, InterfaceAssociation
from wslusb.usb.ids import DescriptorType
from wslusb.usb.info import Identity
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, from_errno, to_errno

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
tails = st.binary(max_size=4)
structural = {DescriptorType.CONFIGURATION, DescriptorType.INTERFACE, DescriptorType.ENDPOINT}
others = st.builds(
    lambda kind, body: bytes((len(body) + 2, kind)) + body,
    u8.filter(lambda kind: kind not in structural),
    st.binary(max_size=20),
)
extras = st.lists(others, max_size=3)
endpoints = st.builds(Endpoint, u8, u8, u16, u8, tails, extras)
interfaces = st.builds(
    Interface, u8, u8, u8, u8, u8, u8, st.lists(endpoints, max_size=4), tails, extras, st.none() | u8
)
configurations = st.builds(
    Configuration, u8, st.lists(interfaces, max_size=5), u8, u8, u8, tails, extras, st.none() | u16, st.none() | u8
)
runs = st.lists(
    st.builds(lambda body: bytes((len(body) + 2,)) + body[:1].ljust(1, b"\5") + body, st.binary(max_size=30))
)


@given(configurations)
def test_configuration_objects_there_and_back(configuration: Configuration) -> None:
    raw = configuration.pack()
    again = Configuration.unpack(raw)
    assert again.pack() == raw
    assert [each.number for each in again.interfaces] == [each.number for each in configuration.interfaces]
    assert [[e.address for e in i.endpoints] for i in again.interfaces] == [
        [e.address for e in i.endpoints] for i in configuration.interfaces
    ]


@given(st.binary(max_size=300))
def test_junk_raises_nothing_but_local_error(junk: bytes) -> None:
    for read in (DeviceDescriptor.unpack, Configuration.unpack, lambda data: list(split(data))):
        with contextlib.suppress(LocalError):
            read(junk)


@given(runs)
def test_what_can_be_cut_comes_back_byte_for_byte(pieces: list[bytes]) -> None:
    """Any run of well-cut descriptors behind a configuration descriptor, however senseless."""
    raw = bytes((9, 2, 1, 2, 3, 4, 5, 6, 7)) + b"".join(pieces)
    assert Configuration.unpack(raw).pack() == raw
    assert b"".join(split(raw)) == raw


@given(runs, st.binary(max_size=40))
def test_what_cannot_be_cut_is_kept_where_that_is_asked_for(pieces: list[bytes], junk: bytes) -> None:
    raw = bytes((9, 2, 1, 2, 3, 4, 5, 6, 7)) + b"".join(pieces) + junk
    assert Configuration.unpack(raw, keep_rest=True).pack() == raw


@given(st.builds(DeviceDescriptor, u16, u16, u16, u8, u8, u8, u8, u16, u8, u8, u8, u8, tails))
def test_device_descriptor_there_and_back(device: DeviceDescriptor) -> None:
    assert DeviceDescriptor.unpack(device.pack()) == device
    assert DeviceDescriptor.unpack(device.pack() + b"next") == device
    assert len(device.pack()) == DeviceDescriptor.SIZE + len(device.tail)


@given(st.builds(InterfaceAssociation, u8, u8, u8, u8, u8, u8), interfaces)
def test_an_association_stays_with_its_interface(association: InterfaceAssociation, interface: Interface) -> None:
    interface.association = association
    raw = Configuration(1, [Interface(7), interface]).pack()
    again = Configuration.unpack(raw)
    assert again.interfaces[1].association == association
    assert again.pack() == raw


@given(st.builds(Companion, u8, u8, u16), st.lists(others, max_size=2))
def test_a_companion_is_found_again(companion: Companion, after: list[bytes]) -> None:
    assert Companion.find([companion.pack(), *after]) == companion
    assert Companion.find([each for each in after if each[1] != DescriptorType.SS_ENDPOINT_COMPANION]) is None


@given(st.binary(min_size=8, max_size=8))
def test_setup_there_and_back(raw: bytes) -> None:
    setup = Setup.unpack(raw)
    assert setup.pack() == raw
    assert setup.kind | setup.recipient | (0x80 if setup.is_in else 0) == setup.request_type


@given(st.integers())
def test_errno_table_is_total(number: int) -> None:
    assert isinstance(from_errno(number), Status)
    assert to_errno(number) <= 0
    assert from_errno(to_errno(from_errno(number))) is from_errno(number)


identities = st.builds(
    Identity, st.integers(1, 2), st.integers(1, 2), st.sampled_from(["", "A"]), st.sampled_from("pq")
)


@given(identities, identities)
def test_identity_is_symmetric_and_reflexive(one: Identity, two: Identity) -> None:
    assert one.matches(one)
    assert one.matches(two) == two.matches(one)
