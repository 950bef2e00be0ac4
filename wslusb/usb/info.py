"""What is known of a device before anybody talks to it: who it is, and its descriptors."""

from __future__ import annotations

from dataclasses import dataclass

from .ids import Speed

__all__ = ["DeviceInfo", "Identity"]


@dataclass(slots=True, frozen=True)
class Identity:
    """What makes a device the same device after a re-plug: VID:PID and serial, or the port where it has no serial.

    ``port_path`` is the host's own name of the socket that the device is plugged into. It counts only where the serial
    is empty: two boards without serials are told apart by where they are, a stick keeps its name in any port.
    """

    vendor: int
    product: int
    serial: str
    port_path: str

    def matches(self, other: Identity) -> bool:
        """Whether ``other`` is the same device as far as can be known."""
        if (self.vendor, self.product, self.serial) != (other.vendor, other.product, other.serial):
            return False
        return bool(self.serial) or self.port_path == other.port_path


@dataclass(slots=True, frozen=True, kw_only=True)
class DeviceInfo:
    """A device as a host shows it.

    ``busid`` is the system's name of it now (``2-4``, ``3-1.2``). ``generation`` grows each time the same busid is
    plugged anew, so that a stale request cannot reach another device. ``configurations`` are the raw configuration
    descriptors with all that follows them, in index order; ``active_configuration`` is a bConfigurationValue, 0 for
    none.
    """

    busid: str
    vendor: int
    product: int
    bcd_device: int = 0
    device_class: int = 0
    subclass: int = 0
    protocol: int = 0
    speed: Speed = Speed.UNKNOWN
    manufacturer: str = ""
    product_name: str = ""
    serial: str = ""
    port_path: str = ""
    generation: int = 1
    active_configuration: int = 0
    device_descriptor: bytes = b""
    configurations: tuple[bytes, ...] = ()
    bos: bytes = b""

    @property
    def identity(self) -> Identity:
        """What binding goes by."""
        return Identity(self.vendor, self.product, self.serial, self.port_path)

    @property
    def hardware_id(self) -> str:
        """``VID:PID`` in four lower-case hexadecimal digits each, as lsusb prints it."""
        return f"{self.vendor:04x}:{self.product:04x}"

    @property
    def instance_id(self) -> str:
        r"""A Windows-style instance id, ``USB\VID_0403&PID_6001\A5XK3RJT``; the port path stands in for no serial."""
        return rf"USB\VID_{self.vendor:04X}&PID_{self.product:04X}\{self.serial or self.port_path}"

    @property
    def description(self) -> str:
        """One line for a person."""
        words = f"{self.manufacturer} {self.product_name}".strip()
        return words or f"USB device {self.hardware_id}"
