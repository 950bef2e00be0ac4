"""What the service's control socket understands."""

from __future__ import annotations

from typing import Any

from .. import __version__
from ..control import descriptions
from ..control.captures import CaptureRequests
from ..control.messages import Json, seconds_of
from ..control.streams import Streamed
from ..control.views import device_json, listed_json
from ..errors import LocalError, LocalReason
from .lending import lend
from .service import ATTACH_SECONDS, Service

__all__ = ["HostRequests"]


class HostRequests:
    """Answers control requests from a :class:`Service`. Call it with a request, get the answer."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._captures = CaptureRequests(service.captures, lambda name: service.catalog.find(name).busid)

    def __call__(self, request: Json) -> Json | Streamed:
        """Dispatch on ``op``. WslusbError for what cannot be done."""
        match request:
            case {"op": "list"}:
                return self._list()
            case {"op": "bind", "device": str(name)}:
                info, fresh = self._service.bind(name)
                return {"device": device_json(info), "changed": fresh}
            case {"op": "unbind", "device": str(name)}:
                info, was = self._service.unbind(name)
                return {"device": device_json(info), "changed": was}
            case {"op": "unbind", "all": True}:
                return {"devices": [device_json(info) for info in self._service.unbind_all()]}
            case {"op": "lend", "device": str(name)}:
                return lend(self._service, name)
            case {"op": "attach", "device": str(name), **rest}:
                return self._attach(name, rest)
            case {"op": "detach", "device": str(name), **rest}:
                return self._detach(name, str(rest.get("guest") or ""))
            case {"op": "detach", "all": True, **rest}:
                return {"devices": [device_json(i) for i in self._service.detach_all(str(rest.get("guest") or ""))]}
            case {"op": "describe", "device": str(name)}:
                found = self._service.catalog.describe(name, attached=request.get("attached") is True)
                return descriptions.view(found, request)
            case {"op": "state"}:
                return self._state()
            case {"op": "capture" | "capture-ring" | "capture-save"}:
                return self._captures(request)
        raise LocalError(
            LocalReason.UNSUPPORTED, f"the service does not know {request.get('op')!r} with these arguments"
        )

    def _list(self) -> Json:
        catalog = self._service.catalog
        listed = catalog.listed()
        absent = catalog.bindings.absent([each.info for each in listed])
        return {"devices": [listed_json(each) for each in listed], "unplugged": [device_json(info) for info in absent]}

    def _attach(self, name: str, options: Json) -> Json:
        seconds = seconds_of(options, ATTACH_SECONDS)
        before = {claim.info.busid for claim in self._service.catalog.claims()}
        keep = options.get("keep") is True
        info, nodes = self._service.attach(name, str(options.get("guest") or ""), seconds, keep=keep)
        return {"device": device_json(info), "nodes": list(nodes), "changed": info.busid not in before}

    def _detach(self, name: str, guest: str) -> Json:
        """``devices`` is empty where the device is there and nobody (no such guest) has it: that is what was wanted."""
        info = self._service.catalog.find(name)
        if info.busid not in {claim.info.busid for claim in self._service.claims_of(guest)}:
            return {"devices": [], "device": device_json(info)}
        return {"devices": [device_json(self._service.detach(info.busid))], "device": device_json(info)}

    def _state(self) -> Json:
        guests: list[dict[str, Any]] = [
            {
                "name": session.name,
                "peer": str(session.link.peer),
                "agent": session.has_kernel,
                "attached": {busid: list(nodes) for busid, nodes in session.nodes.items()},
            }
            for session in self._service.guests.all()
        ]
        return {
            "role": "service",
            "version": __version__,
            "listening": [str(listener.address) for listener in self._service.listeners],
            "guests": guests,
            "devices": [listed_json(listed) for listed in self._service.catalog.listed()],
        }
