"""The shortest request that every device answers (USB 2.0, 9.4.5)."""

from __future__ import annotations

from wslusb.usb.ids import DIR_IN
from wslusb.usb.setup import Request, Setup

__all__ = ["GET_STATUS"]

GET_STATUS = Setup(DIR_IN, Request.GET_STATUS, 0, 0, 2)
