"""A die, written in Python: a request throws it, another has the bell say something.

``wslusb serve --device emulator:docs/examples/dice.py``
"""

from __future__ import annotations

from emulator.gadget import Gadget
from emulator.model import Kind, Model
from emulator.options import Options
from emulator.scenario import Scenario
from emulator.scenario.data import Echo, Literal
from emulator.scenario.script import LOOP, Answer, ControlRule, Script, Send
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import TransferType

BELL = 0x81
FACES = tuple(Answer(data=Literal(bytes((face,)))) for face in (3, 1, 4, 1, 5))


def make(options: Options) -> Model:
    """A device whose throws are known beforehand, for tests of those who play with it."""
    interface = Interface(0, endpoints=[Endpoint(BELL, TransferType.INTERRUPT, 8, 4)])
    gadget = Gadget(
        device=DeviceDescriptor(0x1209, 0x0006, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, [interface]),),
        strings=("Example", "Die", options.serial("D6")),
    )
    throw = ControlRule(request_type=0xC0, request=1, answers=FACES, repeat=LOOP)
    ring = ControlRule(request_type=0x40, request=2, sends=(Send(BELL, Answer(data=Echo(), delay=0.01)),))
    return Scenario(gadget=gadget, script=Script(control=(throw, ring))).model()


KIND = Kind(name="dice", summary="a die that falls as it is told", make=make, options={"serial": "serial number"})
