"""Smart card readers: slot, card and answers to resets are the same on both sides."""

from __future__ import annotations

import pytest

from hil.harness.fixtures import Both
from hil.live.device import LiveDevice
from hil.suite.interfaces import of_class
from wslusb.usb.ids import ClassCode, TransferType, is_in

pytestmark = [pytest.mark.trait("smartcard"), pytest.mark.safety("reversible")]

_POWER_ON, _POWER_OFF, _STATUS, _PARAMETERS, _NO_SUCH = 0x62, 0x63, 0x65, 0x6C, 0x5F
_NO_CARD = 2
"""Bits 1..0 of bStatus (CCID 1.1, 6.2.6)."""


def test_reader_and_card_answer_as_natively(dut: LiveDevice, both: Both) -> None:
    """Slot status, the answer to reset of the card that is in, parameters, a message that there is not, off again."""
    interface = of_class(dut, ClassCode.SMART_CARD)[0]
    bulk = [each.address for each in interface.endpoints if each.transfer == TransferType.BULK]
    words = {
        "sink": next(each for each in bulk if not is_in(each)),
        "source": next(each for each in bulk if is_in(each)),
    }
    messages = [[kind, ""] for kind in (_STATUS, _POWER_ON, _PARAMETERS, _NO_SUCH, _STATUS, _POWER_OFF, _STATUS)]
    native, passthrough = both.probe("ccid", messages=messages, **words)
    assert passthrough == native
    assert all(each["same"] for each in passthrough), "an answer belongs to another message"
    assert native[1]["data"] or native[0]["status"] & 3 == _NO_CARD, "a card is in, and did not answer to its reset"
