"""Run a probe: ``python -m hil.probes NAME '{"target": "libusb", "busid": "1-1", ...}'``; its answer is a line of JSON.

A probe is a module of this package with ``run(**arguments)``. What the device refused, or did against its rules, is an
answer, too: ``{"error": {...}}``; whatever else goes wrong is a traceback and a failure of the program.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence

from hil.clients.bulk_only import BulkOnlyError
from hil.conformance.subject import Failed
from wslusb.device import libusb as _libusb  # noqa: F401 - so that a zygote has it
from wslusb.errors import DeviceError
from wslusb.usb.urb import Status

__all__ = ["main"]

BROKEN_RULE = "BROKEN_RULE"
"""The status of what has none of its own: the device says nothing, too little, or something else than it should."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one probe."""
    name, text = sys.argv[1:] if arguments is None else arguments
    probe = importlib.import_module(f"hil.probes.{name}")
    try:
        answer = {"result": probe.run(**json.loads(text))}
    except DeviceError as error:
        answer = {"error": {"status": Status(error.status).name, "message": str(error)}}
    except (Failed, BulkOnlyError) as error:
        answer = {"error": {"status": BROKEN_RULE, "message": str(error)}}
    print(json.dumps(answer))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
