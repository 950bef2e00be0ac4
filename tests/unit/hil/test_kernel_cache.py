from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hil.kernel.cache import ENVIRONMENT, cache_root, cached, content_key


def test_the_key_depends_on_each_input_and_on_their_borders() -> None:
    keys = {
        content_key("6.12.1", "A=y"),
        content_key("6.12.1", "A=n"),
        content_key("6.12.1A", "=y"),
        content_key("6.12.1"),
    }
    assert len(keys) == 4
    assert content_key("6.12.1", b"A=y") == content_key("6.12.1", "A=y")


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    assert cache_root() == tmp_path
    monkeypatch.delenv(ENVIRONMENT)
    assert cache_root().name == "wslusb"


def test_made_once(tmp_path: Path) -> None:
    calls = []

    def make(out: Path) -> None:
        calls.append(out)
        (out / "x").write_text("made")

    first = cached("thing", "k", make, tmp_path)
    assert (first / "x").read_text() == "made"
    assert cached("thing", "k", make, tmp_path) == first
    assert len(calls) == 1


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def make(out: Path) -> None:
        (out / "half").write_text("")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        cached("thing", "k", make, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thing.lock"]


def test_two_makers_do_not_race(tmp_path: Path) -> None:
    calls = []
    begun, go = threading.Event(), threading.Event()

    def make(_: Path) -> None:
        calls.append(1)
        begun.set()
        go.wait(10)

    threads = [threading.Thread(target=cached, args=("thing", "k", make, tmp_path)) for _ in range(2)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    go.set()
    for thread in threads:
        thread.join(10)
    assert calls == [1]
