"""hil.harness.fixtures: a device natively, then in the guest."""

from __future__ import annotations

from typing import Any, cast

import pytest

from hil.harness.fixtures import Both
from hil.live.side import Side


class Device:
    """It is on the side that was asked for last, and a kernel has it there unless ``in_process`` says no."""

    def __init__(self, *, in_process: bool) -> None:
        self._in_process = in_process
        self.where = ""

    def native(self) -> Side:
        return self._side("native", None if self._in_process else ())

    def passthrough(self) -> Side:
        return self._side("passthrough", ("/dev/sda",))

    def _side(self, name: str, nodes: tuple[str, ...] | None) -> Side:
        self.where = name
        return Side(name, cast("Any", None), "libusb", "1-1", cast("Any", None), nodes)


@pytest.mark.parametrize("in_process", [False, True])
def test_it_is_on_one_side_after_the_other_and_used_while_it_is_there(in_process: bool) -> None:
    device = Device(in_process=in_process)
    both = Both(cast("Any", device), cast("Any", None))
    assert [(side.name, device.where) for side in both] == [("native", "native"), ("passthrough", "passthrough")]
    driven = [(side.name, device.where) for side in both.with_kernel()]
    assert driven == [("native", "native"), ("passthrough", "passthrough")][in_process:]
