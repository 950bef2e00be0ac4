"""The contract of :class:`wslusb.device.api.Device`, as tests. Every implementation is run through it.

Derive a class in a test module, set ``traits``, and give it ``open_device``::

    class TestVirtualDevice(DeviceContract):
        traits = Traits(bulk=Pair(configuration=3, source=0x81, sink=0x01, max_packet=512))

        def open_device(self) -> Device: ...

Cases about things that the traits do not have are not there at all; ``left_out`` names them, and so does the test
report, in :meth:`test_left_out_cases_are_named`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from tests.integration.device_bench import Bench, Pair, Pending, Traits
from tests.integration.device_cases_data import ControlCases, DataCases
from tests.integration.device_cases_flow import CancelCases, OrderCases
from tests.integration.device_cases_life import LifeCases, StateCases

__all__ = ["Bench", "DeviceContract", "Pair", "Pending", "Traits"]


class DeviceContract(ControlCases, DataCases, OrderCases, CancelCases, StateCases, LifeCases):
    """All cases. Each gets a device of its own, opened anew, and leaves it closed with every URB completed once."""

    traits: Traits
    left_out: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if not hasattr(cls, "traits"):
            return
        left_out = []
        for name in dir(cls):
            trait = getattr(getattr(cls, name), "needed_trait", None)
            if trait is not None and not getattr(cls.traits, trait):
                setattr(cls, name, None)
                left_out.append(f"{name} ({trait})")
        cls.left_out = tuple(left_out)

    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        bench = Bench(self.open_device())
        try:
            yield bench
        finally:
            bench.device.close()
        bench.settle()

    def test_left_out_cases_are_named(self, record_property: Any) -> None:
        record_property("left_out", ", ".join(self.left_out))
        print("\n".join(("left out:", *self.left_out)))  # noqa: T201 - shown with -rP
