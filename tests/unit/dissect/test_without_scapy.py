"""Where Scapy is not installed: the package says what to install, and the verb for Wireshark needs none."""

from __future__ import annotations

import subprocess
import sys


def run(program: str) -> str:
    program = f"import sys\nsys.modules['scapy'] = None\n{program}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_the_package_says_what_to_install() -> None:
    said = run("try:\n    import wslusb.dissect\nexcept ImportError as error:\n    print(error)")
    assert "pip install 'wslusb[scapy]'" in said


def test_the_plug_in_for_wireshark_needs_no_scapy() -> None:
    assert "Proto(" in run("from wslusb.cli.wireshark import dissector\nprint(dissector())")
