"""The virtual network cards under cdc_ether and cdc_ncm: pings of all lengths through them."""

from __future__ import annotations

import re

import pytest

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab, Plugged
from tests.kernel.support import tools

BOTH = pytest.mark.parametrize(("kind", "driver"), [("ethernet", "cdc_ether"), ("ncm", "cdc_ncm")])
PEER = "192.0.2.1"


def interface(plugged: Plugged) -> str:
    """The network interface of the only device."""
    return next(node for nodes in plugged.nodes.values() for node in nodes if not node.startswith("/"))


def bring_up(kernel: UmlMachine, name: str) -> None:
    kernel.run(f"ip link set {name} up && ip address add 192.0.2.2/24 dev {name}")


def carrier(kernel: UmlMachine, name: str) -> bool:
    return kernel.run(f"cat /sys/class/net/{name}/carrier").stdout.strip() == "1"


def received(kernel: UmlMachine, name: str) -> int:
    return int(kernel.run(f"cat /sys/class/net/{name}/statistics/rx_packets").stdout)


def ping(kernel: UmlMachine, *arguments: str) -> tuple[int, int]:
    """How many were sent and how many came back."""
    said = kernel.run(["ping", "-q", *arguments, PEER], check=False).stdout
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", said)
    assert counts, said
    return int(counts[1]), int(counts[2])


@BOTH
@pytest.mark.parametrize("speed", ["full", "high", "super"])
def test_pings_of_all_lengths_and_a_flood(lab: Lab, kernel: UmlMachine, kind: str, driver: str, speed: str) -> None:
    tools("ip", "ping")
    capture = lab.rig.shared / "frames.pcap"
    with lab.plug(f"{kind}:speed={speed},capture={capture}") as plugged:
        name = interface(plugged)
        assert kernel.run(f"readlink /sys/class/net/{name}/device/driver").stdout.strip().endswith(f"/{driver}")
        assert kernel.run(f"cat /sys/class/net/{name}/address").stdout.strip() == "02:00:00:00:10:01"
        bring_up(kernel, name)
        poll(lambda: carrier(kernel, name), 10, "the link is up")
        # With 42 bytes of headers: a packet less than, exactly, and a packet more than full, and the longest.
        for size in (56, 470 - 1, 470, 470 + 1, 982, 1400, 1472):
            # All three at once; ping waits for the last ones twice the longest time so far, or the interval if longer.
            assert ping(kernel, "-c", "3", "-l", "3", "-i", "3", "-s", str(size)) == (3, 3), size
        before = received(kernel, name)
        # ping leaves two round trips after its last packet, which is too early on a busy machine: the kernel counts.
        assert ping(kernel, "-f", "-c", "200", "-s", "1000")[0] == 200
        poll(lambda: received(kernel, name) >= before + 200, 10, "200 answers")
        assert capture.stat().st_size > 200 * 2 * 1042


@BOTH
def test_without_a_link_there_is_no_carrier(lab: Lab, kernel: UmlMachine, kind: str, driver: str) -> None:
    with lab.plug(f"{kind}:link=down") as plugged:
        name = interface(plugged)
        bring_up(kernel, name)
        poll(lambda: not carrier(kernel, name), 10, "the link is down")
        assert ping(kernel, "-c", "1", "-W", "1")[1] == 0
