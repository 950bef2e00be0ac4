"""Rules that descriptors keep among themselves, as functions from descriptors to what is wrong with them.

Sections are those of USB 2.0 where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import DescriptorType, Speed, TransferType

__all__ = ["CONFIGURATION_RULES", "Rule", "device_rules", "extra_descriptors"]

Rule = Callable[[Configuration, Speed], Iterator[str]]

_SIZES_OF_ZERO = {Speed.LOW: {8}, Speed.FULL: {8, 16, 32, 64}, Speed.HIGH: {64}, Speed.SUPER: {9}}

_MAX_POWER = {Speed.SUPER: 112}  # 896 mA in units of 8 mA (USB 3.2, 9.6.3); else 500 mA in units of 2 mA


def device_rules(device: DeviceDescriptor, speed: Speed) -> Iterator[str]:
    """9.6.1: version, size of endpoint zero, class codes, number of configurations."""
    lowest = {Speed.HIGH: 0x0200, Speed.SUPER: 0x0300, Speed.SUPER_PLUS: 0x0310}.get(speed, 0x0100)
    if device.bcd_usb < lowest or any(device.bcd_usb >> shift & 0xF > 9 for shift in (0, 4, 8, 12)):
        yield f"bcdUSB {device.bcd_usb:04x} on a {speed.name.lower()}-speed device"
    if device.max_packet_size0 not in _SIZES_OF_ZERO.get(min(speed, Speed.SUPER), {device.max_packet_size0}):
        yield f"bMaxPacketSize0 {device.max_packet_size0} on a {speed.name.lower()}-speed device"
    if not device.device_class and (device.subclass or device.protocol):
        yield f"bDeviceClass 0 with subclass {device.subclass} and protocol {device.protocol}"
    if not device.configuration_count:
        yield "bNumConfigurations 0"


def attributes(configuration: Configuration, speed: Speed) -> Iterator[str]:
    """9.6.3: a value above 0, bmAttributes with bit 7 set and bits 4..0 clear, no more power than a port has."""
    if not configuration.value:
        yield "bConfigurationValue 0 is no configuration"
    if configuration.attributes & 0x9F != 0x80:
        yield f"bmAttributes {configuration.attributes:#04x}: bit 7 is one, bits 4 to 0 are zero"
    limit = _MAX_POWER.get(min(speed, Speed.SUPER), 250)
    if configuration.max_power > limit:
        yield f"bMaxPower {configuration.max_power} is more than {limit}"


def interface_numbers(configuration: Configuration, speed: Speed) -> Iterator[str]:  # noqa: ARG001
    """9.2.3: interfaces count from 0, and so do their alternate settings; bNumInterfaces is how many there are."""
    settings: dict[int, list[int]] = {}
    for interface in configuration.interfaces:
        settings.setdefault(interface.number, []).append(interface.alternate)
    if sorted(settings) != list(range(len(settings))):
        yield f"interface numbers {sorted(settings)} do not count from 0"
    for number, alternates in settings.items():
        if alternates != list(range(len(alternates))):
            yield f"interface {number} has the alternate settings {alternates}, which do not count from 0"
    if configuration.interface_count not in {None, len(settings)}:
        yield f"bNumInterfaces {configuration.interface_count}, and {len(settings)} follow"


def endpoint_counts(configuration: Configuration, speed: Speed) -> Iterator[str]:  # noqa: ARG001
    """9.6.5: Its bNumEndpoints is how many endpoint descriptors follow."""
    for interface in configuration.interfaces:
        if interface.endpoint_count not in {None, len(interface.endpoints)}:
            yield f"{_of(interface)}: bNumEndpoints {interface.endpoint_count}, and {len(interface.endpoints)} follow"


def endpoint_addresses(configuration: Configuration, speed: Speed) -> Iterator[str]:  # noqa: ARG001
    """9.6.5, 9.6.6: no endpoint is zero, has reserved bits set, is there twice, or belongs to two interfaces."""
    owners: dict[int, int] = {}
    for interface in configuration.interfaces:
        addresses = [endpoint.address for endpoint in interface.endpoints]
        for address in dict.fromkeys(addresses):
            if not address & 0x0F or address & 0x70:
                yield f"{_of(interface)}: bEndpointAddress {address:#04x}"
            if addresses.count(address) > 1:
                yield f"{_of(interface)}: endpoint {address:#04x} is there {addresses.count(address)} times"
            if owners.setdefault(address, interface.number) != interface.number:
                yield f"endpoint {address:#04x} belongs to interfaces {owners[address]} and {interface.number}"


def endpoint_attributes(configuration: Configuration, speed: Speed) -> Iterator[str]:
    """9.6.6: reserved bits of bmAttributes and wMaxPacketSize are zero; low speed has interrupt endpoints alone."""
    for interface, endpoint in _endpoints(configuration):
        usage = {TransferType.ISOCHRONOUS: 0x3C, TransferType.INTERRUPT: 0x30 if speed >= Speed.SUPER else 0}
        if endpoint.attributes & ~(3 | usage.get(endpoint.transfer, 0)):
            yield f"{_of(interface)}: endpoint {endpoint.address:#04x} has bmAttributes {endpoint.attributes:#04x}"
        if endpoint.max_packet_size & 0xE000:
            yield f"{_of(interface)}: endpoint {endpoint.address:#04x} has wMaxPacketSize {endpoint.max_packet_size:#x}"
        if speed == Speed.LOW and endpoint.transfer not in {TransferType.INTERRUPT, TransferType.CONTROL}:
            yield f"{_of(interface)}: endpoint {endpoint.address:#04x} is {endpoint.transfer.name.lower()}"


def packet_sizes(configuration: Configuration, speed: Speed) -> Iterator[str]:
    """5.5.3, 5.6.3, 5.7.3, 5.8.3: Its wMaxPacketSize is one that the transfer type has at this speed."""
    for interface, endpoint in _endpoints(configuration):
        if not _size_is_legal(endpoint, speed):
            size = endpoint.max_packet_size
            kind = f"{speed.name.lower()}-speed {endpoint.transfer.name.lower()}"
            yield f"{_of(interface)}: endpoint {endpoint.address:#04x}, {kind}, has wMaxPacketSize {size:#x}"


def _size_is_legal(endpoint: Endpoint, speed: Speed) -> bool:
    size, more = endpoint.packet_size, endpoint.transactions - 1
    periodic = endpoint.transfer in {TransferType.ISOCHRONOUS, TransferType.INTERRUPT}
    if endpoint.transfer == TransferType.BULK:
        wanted = {Speed.FULL: (8, 16, 32, 64), Speed.HIGH: (512,), Speed.SUPER: (1024,)}
        return endpoint.max_packet_size in wanted.get(min(speed, Speed.SUPER), ())
    if speed == Speed.HIGH and periodic:  # table 9-14
        return more < 3 and (0, 513, 683)[more] <= size <= 1024
    if periodic:
        iso = endpoint.transfer == TransferType.ISOCHRONOUS
        limit = {Speed.LOW: 8, Speed.FULL: 1023 if iso else 64}.get(speed, 1024)
        return not more and size <= limit
    return size in _SIZES_OF_ZERO.get(min(speed, Speed.SUPER), {size}) | {512}


def intervals(configuration: Configuration, speed: Speed) -> Iterator[str]:
    """9.6.6: Periodic endpoints have a bInterval of 1 to 16 (exponent); at low speed 10 to 255 ms, at full 1 to 255."""
    for interface, endpoint in _endpoints(configuration):
        if endpoint.transfer == TransferType.INTERRUPT:
            low, high = {Speed.LOW: (10, 255), Speed.FULL: (1, 255)}.get(speed, (1, 16))
        elif endpoint.transfer == TransferType.ISOCHRONOUS:
            low, high = 1, 16
        else:
            continue
        if not low <= endpoint.interval <= high:
            yield f"{_of(interface)}: endpoint {endpoint.address:#04x} has bInterval {endpoint.interval}"


def defaults_need_no_bandwidth(configuration: Configuration, speed: Speed) -> Iterator[str]:
    """5.6.3, 5.7.3: in alternate 0 isochronous endpoints are empty, and high-speed interrupt ones have 64 bytes."""
    for interface, endpoint in _endpoints(configuration):
        size = endpoint.max_packet_size & 0x1FFF
        if interface.alternate:
            continue
        if endpoint.transfer == TransferType.ISOCHRONOUS and size and speed >= Speed.HIGH:
            yield f"{_of(interface)}: isochronous endpoint {endpoint.address:#04x} takes {size} bytes by default"
        if endpoint.transfer == TransferType.INTERRUPT and size > 64 and speed == Speed.HIGH:
            yield f"{_of(interface)}: interrupt endpoint {endpoint.address:#04x} takes {size} bytes by default"


def associations(configuration: Configuration, speed: Speed) -> Iterator[str]:  # noqa: ARG001
    """Interface association ECN: each names interfaces that exist, and no interface is in two of them."""
    numbers = {interface.number for interface in configuration.interfaces}
    taken: set[int] = set()
    for raw in extra_descriptors(configuration):
        if raw[1] != DescriptorType.INTERFACE_ASSOCIATION:
            continue
        if len(raw) != 8:
            yield f"an interface association of {len(raw)} bytes"
            continue
        members = set(range(raw[2], raw[2] + raw[3]))
        if not members or not members <= numbers:
            yield f"an association of interfaces {sorted(members)} where there are {sorted(numbers)}"
        if members & taken:
            yield f"interfaces {sorted(members & taken)} are in two associations"
        taken |= members


def companions(configuration: Configuration, speed: Speed) -> Iterator[str]:
    """USB 3.2, 9.6.7: at SuperSpeed a companion descriptor follows each endpoint, and at lower speeds none does."""
    for interface, endpoint in _endpoints(configuration):
        first = endpoint.extra[0] if endpoint.extra else b""
        has = len(first) == 6 and first[1] == DescriptorType.SS_ENDPOINT_COMPANION
        if has != (speed >= Speed.SUPER):
            yield f"{_of(interface)}: endpoint {endpoint.address:#04x} has {'a' if has else 'no'} companion"


def extra_descriptors(configuration: Configuration) -> Iterator[bytes]:
    """Everything that is neither configuration, interface nor endpoint descriptor, in order."""
    yield from configuration.extra
    for interface in configuration.interfaces:
        yield from interface.extra
        for endpoint in interface.endpoints:
            yield from endpoint.extra


def _endpoints(configuration: Configuration) -> Iterator[tuple[Interface, Endpoint]]:
    for interface in configuration.interfaces:
        for endpoint in interface.endpoints:
            yield interface, endpoint


def _of(interface: Interface) -> str:
    return f"interface {interface.number}.{interface.alternate}"


CONFIGURATION_RULES: dict[str, tuple[str, Rule]] = {
    "configuration attributes": ("9.6.3", attributes),
    "interface numbers": ("9.2.3, 9.6.5", interface_numbers),
    "endpoint counts": ("9.6.5", endpoint_counts),
    "endpoint addresses": ("9.6.5, 9.6.6", endpoint_addresses),
    "endpoint attributes": ("9.6.6", endpoint_attributes),
    "packet sizes": ("9.6.6, chapter 5", packet_sizes),
    "intervals": ("9.6.6", intervals),
    "defaults need no bandwidth": ("5.6.3, 5.7.3", defaults_need_no_bandwidth),
    "interface associations": ("ECN of 2003", associations),
    "endpoint companions": ("USB 3.2, 9.6.7", companions),
}
"""By the name of its case: where the rule is written, and the rule."""
