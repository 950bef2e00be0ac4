"""Conversations that once did harm, against the programs as they are now; and that the oracles see what they must."""

from __future__ import annotations

import logging
import threading

import pytest

from tests.fuzz.answers import check_answers
from tests.fuzz.cases import findings
from tests.fuzz.live import ATTACKS, PLAIN
from tests.fuzz.mutation import Channel, describe, mutations, shorter
from tests.fuzz.oracle import Finding, Slow, Watch
from wslusb.wire.frame import pack_header


@pytest.mark.parametrize("target", ATTACKS)
def test_nothing_that_was_found_happens_again(target: str) -> None:
    """What is slow is tried again: the machine may do other things as well."""
    for left in reversed(range(3)):
        try:
            with ATTACKS[target]() as attack:
                for case in (*PLAIN, *(path.read_bytes() for path in findings(target))):
                    assert attack(case), describe(case)
        except Slow:
            if not left:
                raise
        else:
            return


def test_a_case_can_be_taken_apart() -> None:
    case = b"\1" + bytes((0, 2, 3, 0, 1, 0, 0, 0)) + bytes((7, 4, 0, 0, 0, 0, 0, 0)) + b"rest"
    assert [(each.name, each.at, each.offset) for each in mutations(case)] == [("flip", 2, 3), ("lose", 4, 0)]
    assert [len(mutations(less)) for less in shorter(case)][:2] == [1, 1]
    channel = Channel(case)
    assert [channel.through(b"abcd") for _ in range(6)] == [
        [b"abcd"], [b"abcd"], [b"abce"], [b"abcd"], [], [b"abcd"],
    ]  # fmt: skip


def test_the_oracle_sees_tracebacks_dead_threads_and_leaks() -> None:
    over = threading.Event()
    with Watch() as watch:
        watch.begin()
        logging.getLogger("wslusb.test").info("all is %s", "well")
        assert watch.seen() == {"INFO all is %s "}
        try:
            raise KeyError(1)
        except KeyError:
            logging.getLogger("wslusb.test").exception("it failed")
        with pytest.raises(Finding, match="traceback"):
            watch.seen()
        dying = threading.Thread(target=lambda: dict[str, str]()["nothing"])
        dying.start()
        dying.join()
        with pytest.raises(Finding, match="KeyError"):
            watch.seen()
        threading.Thread(target=over.wait, name="left-over").start()
        with pytest.raises(Finding, match="left-over"):
            watch.no_leaks()
        over.set()
        watch.no_leaks()


@pytest.mark.parametrize(
    "said",
    [
        pack_header(0x30, 0, 0),
        pack_header(5, 4, 3) + bytes(4) + pack_header(5, 4, 3) + bytes(4),
        pack_header(0xFF, 6, 0) + bytes((16, 0, 0, 0, 0, 0)),
        pack_header(0xFF, 6, 0) + bytes((1, 0, 0, 0, 0, 0)) + pack_header(10, 0, 1),
        pack_header(5, 9, 3) + bytes(4),
    ],
)
def test_the_oracle_sees_what_a_service_must_not_say(said: bytes) -> None:
    with pytest.raises(Finding):
        check_answers(said, b"", whole=True)
