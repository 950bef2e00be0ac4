"""wslusb.usb.info: which device is the same device."""

from __future__ import annotations

from wslusb.usb.info import DeviceInfo


def info(**fields: object) -> DeviceInfo:
    return DeviceInfo(**({"busid": "1-1", "vendor": 0x0403, "product": 0x6001} | fields))  # type: ignore[arg-type]


def test_serial_makes_it_the_same_in_any_port() -> None:
    one, two = info(serial="A5", port_path="a"), info(serial="A5", port_path="b", busid="2-2", generation=4)
    assert one.identity.matches(two.identity)
    assert not one.identity.matches(info(serial="A6", port_path="a").identity)


def test_without_a_serial_the_port_decides() -> None:
    assert info(port_path="a").identity.matches(info(port_path="a").identity)
    assert not info(port_path="a").identity.matches(info(port_path="b").identity)


def test_vendor_and_product_count() -> None:
    assert not info(serial="A5").identity.matches(info(serial="A5", product=0x6002).identity)
    assert not info(serial="A5").identity.matches(info(serial="A5", vendor=0x0404).identity)


def test_names() -> None:
    device = info(serial="A5XK3RJT", manufacturer="FTDI", product_name="UART")
    assert device.hardware_id == "0403:6001"
    assert device.instance_id == r"USB\VID_0403&PID_6001\A5XK3RJT"
    assert device.description == "FTDI UART"
    assert info(port_path="p1").instance_id == r"USB\VID_0403&PID_6001\p1"
    assert info().description == "USB device 0403:6001"
    assert info(product_name="UART").description == "UART"
