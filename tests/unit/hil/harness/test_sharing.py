from __future__ import annotations

import pytest

from hil.harness.sharing import device_of


@pytest.mark.parametrize(
    ("nodeid", "device"),
    [
        ("hil/suite/test_a.py::test_b[stick]", "stick"),
        ("hil/suite/test_a.py::test_b[stick-SIGTERM]", "stick"),
        ("hil/suite/test_a.py::test_b[4096-stick]", "stick"),
        ("hil/suite/test_a.py::test_b[stick-2]", "stick-2"),
        ("hil/suite/test_a.py::test_b[sticky]", "hil/suite/test_a.py::test_b[sticky]"),
        ("hil/suite/test_stick.py::test_stick", "hil/suite/test_stick.py::test_stick"),
    ],
)
def test_the_device_of_a_test(nodeid: str, device: str) -> None:
    assert device_of(nodeid, ["stick", "stick-2", "uart"]) == device
