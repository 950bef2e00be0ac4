"""Makes the samples of this directory again: Linux's own gadgets, recorded by other people's tools.

    python tests/samples/make.py

Needs the rig (`python -m hil.vm build`) and Debian's usbutils, umockdev and udev. Gadgets are plugged into a UML
machine and recorded there (`record.py`); only `composite.scheme` was written by hand, for the gadget of that name.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from hil.requirements import require
from hil.vm.machine import PROJECT
from hil.vm.rig import Rig

HERE = Path(__file__).resolve().parent
TOOLS = {"lsusb": "usbutils", "umockdev-record": "umockdev", "udevadm": "udev"}


def main() -> int:
    """Record, and put the result in place of what is here."""
    require(TOOLS)
    with Rig.uml_single() as rig:
        made = rig.shared / "samples"
        result = rig.host.python(HERE / "record.py", made, env={"PYTHONPATH": str(PROJECT)}, timeout=120)
        sys.stdout.write(result.output)
        for path in sorted(made.iterdir()):
            target = HERE / path.name
            if path.is_dir():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(path, target)
            else:
                shutil.copyfile(path, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
