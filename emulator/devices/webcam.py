"""A webcam: uncompressed colour bars with the number of the frame, brightness, isochronous or bulk."""

from __future__ import annotations

from collections.abc import Callable

from wslusb.device.clock import Timer
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import Firmware, InHandler, IsoHandler
from ..gadget import Place
from ..model import Kind, Model
from ..options import Options
from .video_parts.controls import COMMIT, PROBE, Control, Controls
from .video_parts.description import CONTROL, PROCESSING, STREAMING, webcam_gadget
from .video_parts.negotiation import INTERVALS, SIZES, Settings
from .video_parts.streams import BulkStream, IsoStream

__all__ = ["KIND", "WebcamFirmware"]

_BRIGHTNESS = 2
_DARKEST, _BRIGHTEST = -128, 127


def _number(value: int) -> bytes:
    return value.to_bytes(2, "little", signed=True)


class WebcamFirmware(Firmware):
    """Behaviour. ``settings`` is what was committed last, ``brightness`` is added to the luma of the bars."""

    def __init__(self, *, bulk: bool) -> None:
        self._initial = self.settings = self._probed = Settings(bulk)
        self.brightness = 0
        self._bulk_stream: BulkStream | None = None
        slowest = Settings(bulk, 1, max(INTERVALS)).pack()
        fastest = Settings(bulk, len(SIZES), min(INTERVALS)).pack()
        limits = {"low": slowest, "high": fastest, "step": bytes(Settings.SIZE), "default": self.settings.pack()}
        self._controls = Controls(
            {
                (STREAMING, 0, PROBE): Control(get=lambda: self._probed.pack(), set=self._probe, **limits),
                (STREAMING, 0, COMMIT): Control(get=lambda: self.settings.pack(), set=self._commit, **limits),
                (CONTROL, PROCESSING, _BRIGHTNESS): Control(
                    get=lambda: _number(self.brightness), set=self._set_brightness, low=_number(_DARKEST),
                    high=_number(_BRIGHTEST), step=_number(1), default=_number(0),
                ),
            }
        )  # fmt: skip

    def now(self) -> float:
        """Seconds, for the streams."""
        assert self.board is not None  # noqa: S101 - streams belong to an open device
        return self.board.clock.now()

    def later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """For the streams."""
        return self.after(seconds, action)

    def endpoint(self, place: Place) -> InHandler | IsoHandler:  # noqa: ARG002
        """The one endpoint: a stream that starts with it, or (bulk) when the host commits."""
        if not self.settings.bulk:
            return IsoStream(self)
        if self._bulk_stream is not None:
            self._bulk_stream.stop()
        self._bulk_stream = BulkStream(self)
        return self._bulk_stream

    def configured(self, value: int) -> None:  # noqa: ARG002
        """What was negotiated is forgotten."""
        self.settings = self._probed = self._initial

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:
        """Negotiation and brightness."""
        return self._controls.answer(setup, bytes(data))

    def _probe(self, data: bytes) -> bool:
        proposed = self._probed.proposed(data)
        self._probed = proposed or self._probed
        return proposed is not None

    def _commit(self, data: bytes) -> bool:
        if not self._probe(data):
            return False
        self.settings = self._probed
        if self._bulk_stream is not None:
            self._bulk_stream.start()
        return True

    def _set_brightness(self, data: bytes) -> bool:
        value = int.from_bytes(data, "little", signed=True)
        if len(data) != 2 or not _DARKEST <= value <= _BRIGHTEST:
            return False
        self.brightness = value
        return True


def _make(options: Options) -> Model:
    serial = options.serial(f"WEBCAM{options.number:04d}")
    bulk = options.choice("transport", ("iso", "bulk"), "iso") == "bulk"
    return Model(webcam_gadget(serial, bulk=bulk), WebcamFirmware(bulk=bulk))


KIND = Kind(
    name="webcam",
    summary="a camera that sees colour bars and the number of the frame",
    make=_make,
    options={"serial": "serial number", "transport": "iso: isochronous (default), bulk"},
    driver="uvcvideo",
)
