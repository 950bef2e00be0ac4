"""Checks for the side that the devices are attached to."""

from __future__ import annotations

from ..guest.vhci import Vhci
from .check import Finding, Side, check, failed, passed, skipped, warned
from .common import not_answering
from .surroundings import Surroundings

__all__: list[str] = []

_NO_CID = 0xFFFFFFFF
_START = "run 'sudo wslusb agent'"


@check(20, "vhci_hcd", Side.GUEST)
def vhci(around: Surroundings) -> Finding:
    """The kernel has virtual host controllers, with free ports of both speeds."""
    controllers = Vhci(around.sysfs)
    if not controllers.present:
        if around.loadable("vhci_hcd"):
            return warned("vhci_hcd is not loaded; the agent loads it when it starts", "run 'sudo modprobe vhci-hcd'")
        fix = "use a kernel with CONFIG_USBIP_VHCI_HCD (WSL2: 'wsl --update'; Debian: the package linux-image-amd64)"
        return failed("this kernel has no vhci_hcd", fix)
    ports = controllers.ports()
    high = sum(port.free and not port.superspeed for port in ports)
    fast = sum(port.free and port.superspeed for port in ports)
    text = f"free ports: {high} high-speed, {fast} SuperSpeed"
    return passed(text) if high and fast else failed(text, "detach a device: 'wslusb detach DEVICE'")


@check(50, "vsock", Side.GUEST)
def vsock_guest(around: Surroundings) -> Finding:
    """This machine has a CID, so that it can reach its host."""
    state = around.agent().state
    if state is not None and not state["host"].startswith("vsock:"):
        return skipped(f"the agent's host is at {state['host']}")
    device = around.dev / "vsock"
    fix = "run 'sudo modprobe hv_sock' (WSL2, Hyper-V) or 'sudo modprobe vmw_vsock_virtio_transport' (QEMU and others)"
    if not device.exists():
        return failed("there is no /dev/vsock", fix)
    try:
        cid = around.local_cid(device)
    except OSError as error:
        return warned(f"the CID cannot be read: {error.strerror or error}", "" if around.root else "use sudo")
    if cid == _NO_CID:
        return failed("this machine has no CID", f"give the virtual machine a vsock device; {fix}")
    return passed(f"this machine is CID {cid}")


@check(70, "Agent", Side.GUEST)
def agent(around: Surroundings) -> Finding:
    """The agent answers at its control socket, and is connected to the host."""
    asked = around.agent()
    if asked.state is None:
        return not_answering(asked, "agent", _START)
    if not asked.state["connected"]:
        fix = "run 'sudo wslusb serve' on the host, and 'wslusb doctor' there"
        return failed(f"the agent runs, and is not connected to {asked.state['host']}", fix)
    return passed(f"it is connected to {asked.state['host_name']}, {len(asked.state['attached'])} devices are attached")
