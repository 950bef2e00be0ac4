"""What a machine lives on is found on a real kernel: a mounted stick, the card of its connections."""

from __future__ import annotations

import json
from typing import Any

from hil.probes.devices import from_json
from hil.rig.safety import Facts, refusal
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab
from tests.kernel.support import tools
from wslusb.usb.info import DeviceInfo


def probe(lab: Lab, name: str, **words: Any) -> Any:
    """What a probe says in the guest, for whose kernel the devices are its own."""
    result = lab.python(lab.guest, "hil.probes.__main__", name, json.dumps(words)).wait()
    return json.loads(result.stdout)["result"]


def refusals(lab: Lab, peer: str = "") -> dict[str, str | None]:
    """Why each device is refused, by what it calls itself."""
    facts = Facts.from_json(probe(lab, "in_use", peer=peer))
    infos: list[DeviceInfo] = [from_json(each) for each in probe(lab, "devices", target="libusb")]
    return {info.product_name: refusal(info, facts) for info in infos}


def test_what_the_machine_lives_on_is_refused_and_the_rest_is_not(lab: Lab, kernel: UmlMachine) -> None:
    tools("ip", "mkfs.ext2")
    with lab.plug("storage:size=4M,ethernet,keyboard,serial") as plugged:
        (card,) = [node for nodes in plugged.nodes.values() for node in nodes if not node.startswith("/")]
        disk = plugged.node("/dev/sd")
        stick, network, keyboard, serial = "Memory stick", "Ethernet adapter", "Keyboard", "Serial port"
        free = refusals(lab)
        assert "a keyboard" in str(free.pop(keyboard))
        assert free == {stick: None, network: None, serial: None}

        kernel.run(f"mkfs.ext2 -q {disk} && mkdir -p /run/srv && mount {disk} /run/srv")
        kernel.run(f"ip link set {card} up && ip address add 192.0.2.2/24 dev {card}")
        try:
            used = refusals(lab, peer="192.0.2.77")
            assert used[stick] == "it is a disk that this machine runs from: /run/srv"
            assert "carries the SSH connection from 192.0.2.77" in str(used[network])
            assert used[serial] is None
            kernel.run(f"umount /run/srv && mount {disk} /mnt && ip route add default via 192.0.2.1 dev {card}")
            used = refusals(lab)
            assert str(used[stick]).startswith("it is mounted at /mnt; unmount it")
            assert "carries the default route;" in str(used[network])
        finally:
            kernel.run(f"umount {disk}; ip link set {card} down", check=False)
        assert refusals(lab)[stick] is None
