"""What travels over the pipes of USB Attached SCSI: information units and their numbers (UAS-3, 6.2).

The layouts are also in ``include/linux/usb/uas.h``. All numbers are big-endian.
"""

from __future__ import annotations

import enum
import struct

__all__ = ["COMMAND", "READY", "RESPONSE", "SENSE", "TASK_MANAGEMENT", "Code", "Function", "Iu", "Status"]

COMMAND = struct.Struct(">BxHBxBx8s16s")
READY = struct.Struct(">BxH")
SENSE = struct.Struct(">BxHHB7xH")
RESPONSE = struct.Struct(">BxH3xB")
TASK_MANAGEMENT = struct.Struct(">BxHBxH8s")


class Iu(enum.IntEnum):
    """Information units, by their first byte (6.2.1)."""

    COMMAND = 0x01
    SENSE = 0x03
    RESPONSE = 0x04
    TASK_MANAGEMENT = 0x05
    READ_READY = 0x06
    WRITE_READY = 0x07


class Status(enum.IntEnum):
    """SCSI status codes (SAM-5, 5.3.1)."""

    GOOD = 0x00
    CHECK_CONDITION = 0x02
    TASK_SET_FULL = 0x28


class Code(enum.IntEnum):
    """Response codes (6.2.6)."""

    COMPLETE = 0x00
    INVALID_UNIT = 0x02
    NOT_SUPPORTED = 0x04
    SUCCEEDED = 0x08
    INCORRECT_LUN = 0x09
    OVERLAPPED_TAG = 0x0A


class Function(enum.IntEnum):
    """Task management functions (6.2.7)."""

    ABORT_TASK = 0x01
    ABORT_TASK_SET = 0x02
    CLEAR_TASK_SET = 0x04
    LOGICAL_UNIT_RESET = 0x08
    NEXUS_RESET = 0x10
    QUERY_TASK = 0x80
    QUERY_TASK_SET = 0x81
    QUERY_ASYNCHRONOUS_EVENT = 0x82
