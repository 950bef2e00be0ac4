"""AF_VSOCK as a transport: the contract that every stream keeps (tests/integration/stream_contract.py)."""

from __future__ import annotations

import re

from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine


def test_a_vsock_stream_keeps_the_contract(uml_pair: Rig[UmlMachine]) -> None:
    options = ["-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib", "--durations=5"]
    said = uml_pair.guest.python("-m", "pytest", *options, "tests/kernel/stream_cases.py", timeout=90)
    print(said.stdout)
    found = re.search(r"(\d+) passed", said.stdout)
    assert found is not None
    assert int(found[1]) >= 11
