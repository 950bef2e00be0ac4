"""The messages of the control plane: there and back, and nothing but PeerError for what is spoilt."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import hellos, messages, spoilt
from wslusb.errors import PeerError
from wslusb.wire import limits
from wslusb.wire.fields import Reader, Writer, clip
from wslusb.wire.messages import Hello


@pytest.mark.parametrize("kind", messages)
@given(data=st.data())
def test_there_and_back(kind: Any, data: st.DataObject) -> None:
    message = data.draw(messages[kind])
    payload = message.pack()
    assert kind.unpack(payload) == message
    assert kind.unpack(memoryview(bytearray(payload))) == message
    assert len(payload) <= limits.CONTROL_PAYLOAD


@pytest.mark.parametrize("kind", messages)
@given(junk=st.binary(max_size=200))
def test_junk(kind: Any, junk: bytes) -> None:
    with contextlib.suppress(PeerError):
        kind.unpack(junk)


@pytest.mark.parametrize("kind", messages)
@given(data=st.data())
def test_spoilt(kind: Any, data: st.DataObject) -> None:
    """What is still understood is a message of that kind, and can be packed again."""
    payload = data.draw(spoilt(data.draw(messages[kind]).pack()))
    with contextlib.suppress(PeerError):
        again = kind.unpack(payload)
        assert kind.unpack(again.pack()) == again


@pytest.mark.parametrize("kind", messages)
@given(data=st.data())
def test_every_cut_is_refused(kind: Any, data: st.DataObject) -> None:
    payload = data.draw(messages[kind]).pack()
    with pytest.raises(PeerError):
        kind.unpack(payload[: data.draw(st.integers(0, len(payload) - 1))])


@given(hellos, hellos)
def test_versions_and_limits_are_agreed_from_both_sides(one: Hello, two: Hello) -> None:
    assert one.limits.agreed(two.limits) == two.limits.agreed(one.limits)
    spoken = set(range(one.oldest, one.newest + 1)) & set(range(two.oldest, two.newest + 1))
    if spoken:
        assert one.version_with(two) == two.version_with(one) == max(spoken)
    else:
        with pytest.raises(PeerError):
            one.version_with(two)


@given(st.text())
def test_any_text_can_be_sent(text: str) -> None:
    shown = clip(text)
    assert shown.isprintable()
    assert len(shown.encode()) <= limits.STRING
    reader = Reader(Writer().text(text).done())
    assert reader.text() == shown
    reader.end()
    if text.isprintable() and len(text.encode(errors="replace")) <= limits.STRING:
        assert shown == text
