"""The Device contract on captures: each case runs on the emulator first, and then on what was captured of that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.device_bench import Bench
from tests.integration.device_contract import DeviceContract
from tests.integration.test_device_contract_emulator import LOOPBACK_TRAITS
from tests.support.recording import recorded
from wslusb.device.api import Device
from wslusb.replay.device import Mode, ReplayDevice
from wslusb.replay.reading import read
from wslusb.replay.story import Story


class OnACapture(DeviceContract):
    """A contract whose devices replay ``mode``."""

    mode: Mode
    story: Story | None
    folder: Path

    def open_device(self) -> Device:
        return recorded(self.folder / "c") if self.story is None else ReplayDevice(self.story, self.mode)

    @pytest.fixture
    def bench(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
        self.folder, self.story = tmp_path, None
        parameters = getattr(request.node, "callspec", None)
        live = Bench(self.open_device())
        request.function(bench=live, **(parameters.params if parameters else {}))
        live.device.close()
        self.story = read(tmp_path / "c")
        bench = Bench(self.open_device())
        try:
            yield bench
        finally:
            bench.device.close()
        bench.settle()


class TestKeyed(OnACapture):
    traits = LOOPBACK_TRAITS
    mode = Mode.KEYED


class TestModel(OnACapture):
    traits = LOOPBACK_TRAITS
    mode = Mode.MODEL
