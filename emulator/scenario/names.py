"""Words for numbers in scenario files."""

from __future__ import annotations

from collections.abc import Mapping

from wslusb.usb.ids import DIR_IN, ClassCode, Speed, TransferType
from wslusb.usb.setup import Recipient, Request, RequestType

from ..devices.keyboard import KEYBOARD_REPORT

__all__ = ["CLASSES", "HID_REPORTS", "REQUESTS", "SPEEDS", "TRANSFERS", "request_type"]

SPEEDS = {speed.name.lower(): speed for speed in Speed if speed not in (Speed.UNKNOWN, Speed.WIRELESS)}
CLASSES = {"none": 0, **{code.name.lower(): int(code) for code in ClassCode}}
TRANSFERS = {transfer.name.lower(): transfer for transfer in TransferType if transfer != TransferType.CONTROL}

_HID_REQUESTS = {
    "GET_REPORT": 0x01, "GET_IDLE": 0x02, "GET_PROTOCOL": 0x03, "SET_REPORT": 0x09, "SET_IDLE": 0x0A,
    "SET_PROTOCOL": 0x0B,
}  # fmt: skip
_CDC_REQUESTS = {
    "SEND_ENCAPSULATED_COMMAND": 0x00, "GET_ENCAPSULATED_RESPONSE": 0x01, "SET_LINE_CODING": 0x20,
    "GET_LINE_CODING": 0x21, "SET_CONTROL_LINE_STATE": 0x22, "SEND_BREAK": 0x23,
}  # fmt: skip
REQUESTS: dict[str, int] = {**{each.name: int(each) for each in Request}, **_HID_REQUESTS, **_CDC_REQUESTS}
"""bRequest: USB 2.0, table 9-4; HID 1.11, 7.2; CDC 1.2 PSTN, table 13."""

_KINDS = {"standard": RequestType.STANDARD, "class": RequestType.CLASS, "vendor": RequestType.VENDOR}
_RECIPIENTS = {each.name.lower(): each for each in Recipient}
_DIRECTIONS = {"in": DIR_IN, "out": 0}

HID_REPORTS = {
    "boot_keyboard": KEYBOARD_REPORT,
    # HID 1.11, appendix B.2: three buttons, X and Y. The catalogue's mouse has a wheel as well, whose byte rules of a
    # scenario would have to send.
    "boot_mouse": bytes.fromhex(
        "05010902a1010901a100050919012903150025019503750181029501750581030501093009311581257f750895028106c0c0"
    ),
}


def request_type(text: str) -> int | None:
    """The bmRequestType of three words in any order, such as ``vendor device in``; None if they are not understood."""
    missing: list[Mapping[str, int]] = [_KINDS, _RECIPIENTS, _DIRECTIONS]
    number = 0
    for word in text.split():
        table = next((each for each in missing if word in each), None)
        if table is None:
            return None
        missing.remove(table)
        number |= table[word]
    return None if missing else number
