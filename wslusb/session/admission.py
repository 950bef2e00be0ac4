"""What a device may bring: limits on its descriptors, checked by the host that sends and the guest that receives."""

from __future__ import annotations

from ..errors import LocalError, PeerError, PeerReason
from ..usb.descriptors import Configuration
from ..usb.info import DeviceInfo
from ..wire import limits

__all__ = ["check_device"]


def check_device(info: DeviceInfo) -> None:
    """PeerError(LIMIT) for more configurations, interfaces, endpoints or bytes than a device may have.

    A configuration that cannot be read has no endpoints here, and its bytes are for the guest's kernel to judge.
    """
    size = len(info.device_descriptor) + sum(map(len, info.configurations)) + len(info.bos)
    if size > limits.DESCRIPTORS or len(info.configurations) > limits.CONFIGURATIONS:
        raise PeerError(PeerReason.LIMIT, f"{info.busid} has {len(info.configurations)} configurations in {size} bytes")
    for raw in info.configurations:
        try:
            configuration = Configuration.unpack(raw)
        except LocalError:
            continue
        interfaces = {interface.number for interface in configuration.interfaces}
        endpoints = {endpoint.address for interface in configuration.interfaces for endpoint in interface.endpoints}
        if len(interfaces) > limits.INTERFACES or len(endpoints) > limits.ENDPOINTS:
            text = f"{info.busid} has {len(interfaces)} interfaces and {len(endpoints)} endpoints"
            raise PeerError(PeerReason.LIMIT, text)
