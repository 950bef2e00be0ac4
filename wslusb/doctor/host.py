"""Checks for the side that has the devices."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import LocalReason
from ..system.api import HostDevice
from .check import Finding, Side, check, failed, passed, skipped, warned
from .common import not_answering
from .surroundings import Surroundings

__all__: list[str] = []

_START = "run 'sudo wslusb serve'"


def _roots_service(around: Surroundings) -> bool:
    """Whether a service runs that this user may not ask: what it may do says nothing of what this user may."""
    problem = around.service().problem
    return problem is not None and problem.reason is LocalReason.ACCESS_DENIED


@check(20, "libusb", Side.HOST)
def libusb(around: Surroundings) -> Finding:
    """The library loads."""
    try:
        return passed(f"libusb {around.libusb_version()}")
    except (OSError, ImportError, AttributeError) as error:
        return failed(f"libusb cannot be loaded: {error}", "install libusb-1.0 (Debian: apt install libusb-1.0-0)")


@check(30, "Device permissions", Side.HOST)
def permissions(around: Surroundings) -> Finding:
    """The nodes of usbfs may be opened for reading and writing."""
    devices = around.devices()
    if not devices:
        return skipped("no USB devices are plugged in")
    if _roots_service(around):
        return skipped("the service is another user's")
    missing = [device.info.busid for device in devices if not _node(around, device).exists()]
    if missing:
        fix = "in a container, pass /dev/bus/usb in; elsewhere, see that devtmpfs or udev makes its nodes"
        return failed(f"there is no node in {around.dev / 'bus/usb'} for {', '.join(missing)}", fix)
    denied = [device.info.busid for device in devices if not os.access(_node(around, device), os.R_OK | os.W_OK)]
    if denied:
        return failed(f"this user may not open {', '.join(denied)}", f"{_START}, or add a udev rule for the device")
    return passed(f"all {len(devices)} devices may be opened")


def _node(around: Surroundings, device: HostDevice) -> Path:
    return around.dev / f"bus/usb/{device.bus:03d}/{device.address:03d}"


@check(40, "Drivers", Side.HOST)
def drivers(around: Surroundings) -> Finding:
    """No device is held by a program or by another way of sharing it. The kernel's own drivers let go by themselves."""
    state = around.service().state
    ours = {each["busid"] for each in state["devices"] if each["state"] == "attached"} if state else set()
    for device in around.devices():
        names = set(device.drivers.values())
        if "usbip-host" in names:
            return failed(
                f"{device.info.busid} is held by usbip-host", f"run 'sudo usbip unbind -b {device.info.busid}'"
            )
        if "usbfs" in names and device.info.busid not in ours and not _roots_service(around):
            return warned(f"{device.info.busid} is in use by another program, through usbfs", "end that program")
    return passed("no device is held by anything that would not let go")


@check(50, "vsock", Side.HOST)
def vsock_host(around: Surroundings) -> Finding:
    """Virtual machines can reach this one through vsock."""
    state = around.service().state
    if state is not None and not any(address.startswith("vsock:") for address in state["listening"]):
        return skipped(f"the service listens at {', '.join(state['listening'])}")
    if (around.dev / "vhost-vsock").exists():
        return passed("vhost_vsock is there")
    if around.protocol("AF_VSOCK"):
        return passed("the kernel has vsock")
    if around.loadable("vhost_vsock"):
        return failed("vhost_vsock is not loaded", "run 'sudo modprobe vhost_vsock'")
    fix = "use a kernel with CONFIG_VHOST_VSOCK, or 'wslusb serve --listen hybrid:/path' for Firecracker"
    return failed("this kernel has no vhost_vsock", fix)


@check(60, "State directory", Side.HOST)
def state_directory(around: Surroundings) -> Finding:
    """What is shared can be remembered."""
    if _roots_service(around):
        return skipped("the service is another user's")
    folder = around.state_dir
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return failed(f"{folder} cannot be written", f"{_START}, or choose another place with WSLUSB_STATE_DIR")
    return passed(f"{folder} can be written")


@check(70, "Service", Side.HOST)
def service(around: Surroundings) -> Finding:
    """The service answers at its control socket."""
    asked = around.service()
    if asked.state is None:
        return not_answering(asked, "service", _START)
    guests = sum(guest["agent"] for guest in asked.state["guests"])
    text = f"it listens at {', '.join(asked.state['listening'])}; {guests} agents are connected"
    return passed(text) if guests else warned(text, "run 'sudo wslusb agent' in the guest")
