"""docs/dissect.md: its sessions are run, and come out as they are printed."""

from __future__ import annotations

import doctest
import itertools
import re
from pathlib import Path

import pytest

from tests.support.wireshark import CONVERSATION, GUEST, NOW
from tests.support.world import World
from wslusb.capture import pcapng
from wslusb.capture.vsockmon import from_guest, from_host
from wslusb.host import export

PAGE = Path(__file__).parents[2] / "docs" / "dissect.md"
SOCKET = "/tmp/wslusb.sock"  # noqa: S108 -- what the page says
SESSIONS = re.findall(r"<!-- doctest -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_comes_out_as_it_is_printed(
    session: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_handles", itertools.count(1))  # as in a service that was just started
    blocks = [pcapng.section(), pcapng.interface(pcapng.LINK_VSOCK, "wslusb:1-1")]
    for at, (host, data) in enumerate(CONVERSATION):
        head = from_host(GUEST) if host else from_guest(GUEST)
        blocks.append(pcapng.packet(0, NOW + at * 1_000_000, [head, data]))
    capture = tmp_path / "bug.pcapng"
    capture.write_bytes(b"".join(blocks))
    text = session.replace(SOCKET, str(world.address.path)).replace("bug.pcapng", str(capture))
    runner = doctest.DocTestRunner()
    said: list[str] = []
    runner.run(doctest.DocTestParser().get_doctest(text, {}, "dissect.md", str(PAGE), 0), out=said.append)
    assert runner.failures == 0, "".join(said)


def test_the_page_has_sessions() -> None:
    assert len(SESSIONS) == 4
