"""emulator.catalogue: what must hold of all its kinds together."""

from __future__ import annotations

from collections import Counter

from emulator.catalogue import kinds, parse_models
from emulator.devices.dfu import Upgradable
from emulator.devices.dfu_parts.flash import Flash


def test_no_two_kinds_have_the_same_vendor_and_product() -> None:
    models = [parse_models(name)[0] for name in kinds() if name != "uas"]  # a storage device, by another protocol
    models.append(Upgradable(Flash(1024), "S1").loader())
    identities = Counter((model.gadget.device.vendor, model.gadget.device.product) for model in models)
    assert [f"{vendor:04x}:{product:04x}" for (vendor, product), count in identities.items() if count > 1] == []
