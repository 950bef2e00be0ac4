"""Network cards: the same address and link, and every frame arrives as it was sent."""

from __future__ import annotations

from typing import Any

import pytest

from hil.harness.fixtures import Both, Measure
from hil.live.device import LiveDevice
from hil.live.side import Side, probe
from hil.suite.disks import needs
from hil.suite.interfaces import class_descriptors, of_class
from wslusb.usb.ids import ClassCode

pytestmark = pytest.mark.trait("network")

_ETHERNET = 0x0F
"""Subtype of the Ethernet networking descriptor (CDC ECM 1.2, 5.4)."""
_ENGLISH, _STRING = 0x0409, 0x0300
_LINK_CHANGES = 3
_SIZES = (18, 56, 469, 470, 471, 982, 1400, 1472)
"""With 42 bytes of headers: the least, packets less than, exactly and more than full, and the longest."""
_LARGE = 1400
_HEADERS = 42
_COUNT, _WINDOW = 200, 8
_PING_SECONDS = 180.0
_MORE_ERRORS = 3


def _interface(side: Side) -> str:
    found = [node for node in side.nodes or () if not node.startswith("/")]
    assert found, f"{side}: no network interface among {side.nodes}"
    return found[0]


def _card(side: Side, **words: Any) -> dict[str, Any]:
    found: dict[str, Any] = probe(side.daemons, side.place, "network_cards", interface=_interface(side), **words)
    return found


def _own_address(dut: LiveDevice) -> str:
    """The address that its descriptors name (iMACAddress), natively; empty if they name none."""
    for interface in of_class(dut, ClassCode.COMMUNICATIONS):
        for raw in class_descriptors(interface, _ETHERNET):
            request = [0x80, 6, _STRING | raw[3], _ENGLISH, 255, ""]
            data = bytes.fromhex(dut.native().probe("requests", requests=[request])[0]["data"])
            return data[2:].decode("utf-16-le").lower()
    return ""


def test_it_is_the_same_card(dut: LiveDevice, both: Both) -> None:
    """MAC address and largest frame in the guest: as on the host, and as its descriptors say."""
    told = _own_address(dut)
    cards = {side.name: _card(side) for side in both.with_kernel()}
    here, there = cards["passthrough"], cards.get("native")
    assert not told or here["address"].replace(":", "") == told
    # Other drivers of the same card may differ in what they take for its largest frame.
    assert there is None or here["address"] == there["address"]
    assert there is None or here["driver"] != there["driver"] or here["mtu"] == there["mtu"]


@pytest.mark.safety("reversible")
def test_its_link_comes_up_again_and_again(both: Both) -> None:
    """The interface is taken down and up: there is a carrier each time, or each time none, as natively."""
    found = {side.name: _card(side, changes=_LINK_CHANGES)["carriers"] for side in both.with_kernel()}
    expected = found.get("native", found["passthrough"][:1] * _LINK_CHANGES)
    assert found["passthrough"] == expected


def _peer(dut: LiveDevice) -> dict[str, str]:
    options = dut.entry.options.get("network", {})
    if not {"peer", "address"} <= options.keys():
        pytest.skip("there is nobody at its cable: network = { peer = ..., address = ... } in the rig file")
    return {"peer": options["peer"], "address": options["address"]}


def _pings(dut: LiveDevice, both: Both, **words: Any) -> dict[str, dict[str, Any]]:
    found = {}
    for side in both.with_kernel():
        needs(side, "ip")
        answer = probe(
            side.daemons, side.place, "pings", _PING_SECONDS, interface=_interface(side), **_peer(dut), **words
        )  # fmt: skip
        assert answer["carrier"], f"{side}: {_interface(side)} has no carrier"
        found[side.name] = answer
        for size, each in answer["sizes"].items():
            wrong = {word: each[word] for word in ("lost", "wrong") if each[word]}
            assert not wrong, f"{side}: of {words['count']} pings of {size} bytes {wrong}"
    _compare_order({name: answer["sizes"] for name, answer in found.items()})
    _compare_errors({name: answer["counters"] for name, answer in found.items()})
    return found


def _compare_order(sizes: dict[str, dict[str, dict[str, int]]]) -> None:
    """There are peers that answer out of order: what comes so in the guest has to come so natively, too."""
    disorder = {
        name: {size: n for size, each in found.items() if (n := each["disorder"])} for name, found in sizes.items()
    }
    assert not disorder["passthrough"] or disorder.get("native"), f"answers overtaken by later ones: {disorder}"


def _compare_errors(counters: dict[str, dict[str, int]]) -> None:
    """There are cards with errors that nothing is lost by: what is counted in the guest has to be counted natively."""
    native = counters.get("native", {})
    more = {
        name: (native.get(name, 0), count)
        for name, count in counters["passthrough"].items()
        if "errors" in name and count > _MORE_ERRORS * native.get(name, 0)
    }
    assert not more, f"errors by the card's own counters, natively and in the guest: {more}"


@pytest.mark.safety("reversible")
def test_pings_of_all_lengths_come_back(dut: LiveDevice, both: Both) -> None:
    """Random bytes to the peer and back: none lost, none changed, in order if so natively, and no new errors."""
    answer = _pings(dut, both, sizes=_SIZES, count=12, window=4)["passthrough"]
    assert answer["counters"]["tx_packets"] >= 12 * len(_SIZES)
    assert answer["counters"]["rx_bytes"] >= 12 * sum(_SIZES)


@pytest.mark.safety("reversible")
def test_throughput_and_round_trips(dut: LiveDevice, both: Both, measure: Measure, effort: float) -> None:
    """Large pings, several on their way: how fast frames go, both ways at once; one at a time: how long one takes."""
    count = max(40, round(_COUNT * effort))
    flood = _pings(dut, both, sizes=[_LARGE], count=count, window=_WINDOW)
    single = _pings(dut, both, sizes=[56], count=count // 4, window=1)

    def rate(side: str) -> list[float]:
        if side not in flood:
            return []
        return [count * (_LARGE + _HEADERS) / 1e6 / flood[side]["sizes"][str(_LARGE)]["seconds"]]

    def times(side: str) -> list[float]:
        return single[side]["sizes"]["56"]["times"] if side in single else []

    measure("throughput each way", "MB/s", rate("native"), rate("passthrough"), better="higher", limit="throughput")
    measure("round trip", "us", times("native"), times("passthrough"), limit="latency")
