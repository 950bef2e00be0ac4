"""What the agent's control socket understands."""

from __future__ import annotations

from .. import __version__
from ..control.captures import CaptureRequests
from ..control.messages import Json, seconds_of
from ..control.streams import Streamed
from ..control.views import device_json, listed_json
from ..errors import LocalError, LocalReason
from ..usb import naming
from .agent import Agent
from .port import ENUMERATION_SECONDS

__all__ = ["GuestRequests"]


class GuestRequests:
    """Answers control requests from an :class:`Agent`. Call it with a request, get the answer."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._captures = CaptureRequests(agent.captures, self._busid)

    def __call__(self, request: Json) -> Json | Streamed:
        """Dispatch on ``op``. WslusbError for what cannot be done."""
        agent = self._agent
        match request:
            case {"op": "list"}:
                return {"devices": [listed_json(listed) for listed in agent.devices()]}
            case {"op": "attach", "device": str(name), **rest}:
                before = {port.info.busid for port in agent.ports() if not port.leaving}
                seconds = seconds_of(rest, ENUMERATION_SECONDS)
                info, nodes = agent.attach(name, seconds=seconds, keep=rest.get("keep") is True)
                return {"device": device_json(info), "nodes": list(nodes), "changed": info.busid not in before}
            case {"op": "detach", "device": str(name)}:
                return self._detach(name)
            case {"op": "detach", "all": True}:
                return {"devices": [device_json(info) for info in agent.detach_all()]}
            case {"op": "state"}:
                return self._state()
            case {"op": "capture" | "capture-ring" | "capture-save"}:
                return self._captures(request)
        if request.get("op") in ("bind", "unbind"):
            raise LocalError(LocalReason.UNSUPPORTED, "only the host can share a device", hint="run it on the host")
        raise LocalError(LocalReason.UNSUPPORTED, f"the agent does not know {request.get('op')!r} with these arguments")

    def _busid(self, name: str) -> str:
        """What is attached here comes first: the host may be away."""
        here = [port.info for port in self._agent.ports() if naming.matches(port.info, name)]
        return here[0].busid if here else naming.find([each.info for each in self._agent.devices()], name).busid

    def _detach(self, name: str) -> Json:
        """``devices`` is empty where the host shares such a device and it is not attached here."""
        agent = self._agent
        if any(naming.matches(port.info, name) for port in agent.ports()):
            info = agent.detach(name)
            return {"devices": [device_json(info)], "device": device_json(info)}
        info = naming.find([listed.info for listed in agent.devices()], name)
        agent.keeper.drop(info)
        return {"devices": [], "device": device_json(info)}

    def _state(self) -> Json:
        agent = self._agent
        try:
            host = agent.client.host_name
        except LocalError:
            host = ""
        attached = [
            {**device_json(port.info), "port": port.number, "guest_busid": port.busid, "nodes": list(port.nodes)}
            for port in agent.ports()
        ]
        address = str(agent.address)
        return {
            "role": "agent",
            "version": __version__,
            "host": address,
            "connected": bool(host),
            "host_name": host,
            "attached": attached,
            "kept": agent.keeper.names,
        }
