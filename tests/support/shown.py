"""What Wireshark shows of a message or a URB, held against what the codec reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.support.wireshark import Found, blob, blobs, number, numbers
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Urb
from wslusb.wire.cancels import Cancel, CancelAnswer
from wslusb.wire.events import Event
from wslusb.wire.listing import DeviceState, EnumerationAnswer, Listed
from wslusb.wire.messages import AttachAnswer, AttachRequest, ErrorMessage, Hello, StatusAnswer


def whole(*values: bytes) -> list[bytes]:
    """What Wireshark shows of byte strings: nothing of empty ones."""
    return [value for value in values if value]


def check_hello(message: Hello, found: Found) -> None:
    lim = message.limits
    assert found["hello.magic"] == ["wslusb\\r\\n"] or found["hello.magic"] == ["wslusb\r\n"]
    assert (number(found, "hello.oldest"), number(found, "hello.newest")) == (message.oldest, message.newest)
    assert number(found, "hello.purpose") == message.purpose
    assert number(found, "hello.capabilities") == message.capabilities
    assert [number(found, f"hello.{name}") for name in ("transfer", "iso_packets", "urbs", "bytes_in_flight")] == [
        lim.transfer, lim.iso_packets, lim.urbs, lim.bytes_in_flight,
    ]  # fmt: skip
    assert blob(found, "hello.token") == message.token
    assert found["hello.name"] == [message.name]


def check_devices(devices: Sequence[Listed], found: Found) -> None:
    infos = [listed.info for listed in devices]
    for name in ("busid", "manufacturer", "product_name", "serial", "port_path"):
        assert found.get(f"device.{name}", []) == [getattr(info, name) for info in infos]
    for name, attribute in {
        "vendor": "vendor", "product": "product", "bcd_device": "bcd_device", "class": "device_class",
        "subclass": "subclass", "protocol": "protocol", "speed": "speed", "generation": "generation",
        "configuration": "active_configuration",
    }.items():  # fmt: skip
        assert numbers(found, f"device.{name}") == [getattr(info, attribute) for info in infos]
    assert blobs(found, "device.descriptor") == whole(*(info.device_descriptor for info in infos))
    assert numbers(found, "device.state") == [listed.state for listed in devices]
    assert found.get("device.owner", []) == [listed.owner for listed in devices]


def check_enumeration(message: EnumerationAnswer, found: Found) -> None:
    assert number(found, "count") == len(message.devices)
    check_devices(message.devices, found)


def check_attach(message: AttachRequest, found: Found) -> None:
    assert (found["attach.busid"], number(found, "attach.generation")) == ([message.busid], message.generation)


def check_attach_answer(message: AttachAnswer, found: Found) -> None:
    check_status(message, found)
    if message.info is None:
        return
    credits_ = [number(found, f"attach.{name}") for name in ("handle", "urbs", "bytes")]
    assert credits_ == [message.handle, message.urbs, message.size]
    check_devices([Listed(message.info, DeviceState.ATTACHED)], found)
    assert number(found, "count") == len(message.info.configurations)
    assert blobs(found, "attach.configuration") == whole(*message.info.configurations)
    assert blob(found, "attach.bos") == message.info.bos


def check_status(message: StatusAnswer | AttachAnswer, found: Found) -> None:
    assert (number(found, "status"), found["message"]) == (message.status, [message.message])


def check_event(message: Event, found: Found) -> None:
    assert number(found, "event.kind") == message.kind
    assert (found["event.busid"], found["message"]) == ([message.busid], [message.message])
    assert number(found, "event.ticket") == message.ticket
    assert number(found, "event.generation") == message.generation
    assert found.get("event.node", []) == list(message.nodes)


def check_cancel(message: Cancel | CancelAnswer, found: Found) -> None:
    assert number(found, "cancel.target") == message.target
    if isinstance(message, CancelAnswer):
        assert number(found, "cancel.outcome") == message.won


def check_error(message: ErrorMessage, found: Found) -> None:
    assert (number(found, "error.reason"), found["message"]) == (message.reason, [message.message])


CHECKS: dict[type, Any] = {
    Hello: check_hello,
    EnumerationAnswer: check_enumeration,
    AttachRequest: check_attach,
    AttachAnswer: check_attach_answer,
    StatusAnswer: check_status,
    Event: check_event,
    Cancel: check_cancel,
    CancelAnswer: check_cancel,
    ErrorMessage: check_error,
}
FROM_HOST = {EnumerationAnswer, AttachAnswer, StatusAnswer, CancelAnswer}


def check_request(urb: Urb, found: Found) -> None:
    assert (number(found, "urb.endpoint"), number(found, "urb.transfer")) == (urb.endpoint, urb.transfer)
    assert number(found, "urb.flags") == urb.flags | urb.is_in
    assert found["urb.flags.in"] == ["1" if urb.is_in else "0"]
    for name in ("length", "interval", "stream", "start_frame"):
        assert number(found, f"urb.{name}") == getattr(urb, name)
    assert numbers(found, "iso.length") == list(urb.iso_lengths)
    assert number(found, "urb.packets") == len(urb.iso_lengths)
    assert blob(found, "urb.data") == urb.data
    if urb.setup is not None:
        assert Setup(*(number(found, f"setup.{part}") for part in SETUP)) == urb.setup
    else:
        assert "setup.request" not in found


SETUP = ("request_type", "request", "value", "index", "length")


def check_response(completion: Completion, found: Found) -> None:
    assert number(found, "status") == completion.status
    assert number(found, "urb.actual_length") == completion.actual_length
    assert number(found, "urb.error_count") == completion.error_count
    assert number(found, "urb.start_frame") == completion.start_frame
    assert numbers(found, "iso.status") == [result.status for result in completion.iso]
    assert numbers(found, "iso.actual_length") == [result.actual_length for result in completion.iso]
    assert blob(found, "urb.data") == completion.data
