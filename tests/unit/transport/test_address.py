"""wslusb.transport.address."""

from __future__ import annotations

import pytest

from wslusb.errors import LocalError, LocalReason
from wslusb.transport.address import HybridAddress, UnixAddress, VsockAddress, parse
from wslusb.wire.frame import PORT


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("vsock:2", VsockAddress(2)),
        ("vsock:42:1024", VsockAddress(42, 1024)),
        ("vsock:42:0x400", VsockAddress(42, 1024)),
        ("vsock:002", VsockAddress(2)),
        ("vsock:", VsockAddress(None)),
        ("vsock::99", VsockAddress(None, 99)),
        ("vsock:4294967294", VsockAddress(0xFFFFFFFE)),
        ("unix:/run/wslusb.sock", UnixAddress("/run/wslusb.sock")),
        ("unix:relative:with:colons", UnixAddress("relative:with:colons")),
        ("hybrid:/run/fc.sock", HybridAddress("/run/fc.sock")),
        ("hybrid:/run/fc.sock:52", HybridAddress("/run/fc.sock", 52)),
        ("hybrid:/run/a:b", HybridAddress("/run/a:b")),
        ("hybrid:/run/a:1:2", HybridAddress("/run/a:1", 2)),
    ],
)
def test_addresses(text: str, address: object) -> None:
    assert parse(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "vsock", "vsock:x", "vsock:-1", "vsock:4294967295", "vsock:2:x", "vsock:2:3:4", "vsock:1_0", "vsock:٣",
     "vsock:" + "9" * 5000, "unix:", "unix", "hybrid:", "hyperv:1", "tcp:localhost",
     "/run/x", "vsock:0x", "hybrid:/a:99999999999"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    with pytest.raises(LocalError) as caught:
        parse(text)
    assert caught.value.reason is LocalReason.BAD_ADDRESS
    assert caught.value.hint


def test_the_usual_port_is_not_shown() -> None:
    assert str(VsockAddress(2)) == "vsock:2"
    assert str(HybridAddress("/x")) == "hybrid:/x"
    assert str(HybridAddress("/x:1")) == f"hybrid:/x:1:{PORT}"
