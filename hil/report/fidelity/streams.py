"""The other endpoints of two captures: what became of their URBs, and their bytes where both hosts asked the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from wslusb.replay.divergence import show_data
from wslusb.replay.story import ANYTIME, Exchange, Story
from wslusb.replay.wildcards import Wildcards
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Status

from ..figures import percentile
from ..words import endpoint_name
from .control import GOOD, not_asked
from .findings import EndpointUse, Finding, Verdict

__all__ = ["compare_streams", "endpoints"]

_RETURNED = frozenset({Status.CANCELLED, Status.GONE})
_QUANTILES = (50, 90, 99)
Endpoint = tuple[int, int]
"""Transfer type and address."""


def compare_streams(real: Story, emulated: Story, wildcards: Wildcards) -> Iterator[Finding]:
    """A finding an endpoint: errors that only one has, or else the first answer that is another."""
    one, other = _streams(real), _streams(emulated)
    same_questions = all(_asked(one.get(key, []), other.get(key, []), wildcards) for key in one | other)
    for key in sorted(one | other, key=lambda key: (key[1] & 0x7F, key)):
        name = endpoint_name(*key)
        if key not in one or key not in other:
            yield not_asked(name, has_real=key in one)
            continue
        yield (
            _errors(name, one[key], other[key])
            or (_contents(name, one[key], other[key], wildcards) if same_questions else None)
            or Finding(Verdict.SAME, name)
        )


def _streams(story: Story) -> dict[Endpoint, list[Exchange]]:
    return {key: exchanges for key, exchanges in _by_endpoint(story).items() if key[0] != TransferType.CONTROL}


def _by_endpoint(story: Story) -> dict[Endpoint, list[Exchange]]:
    found: dict[Endpoint, list[Exchange]] = {}
    for exchange in story.exchanges:
        if not exchange.refused:
            found.setdefault((exchange.request.transfer, exchange.request.endpoint), []).append(exchange)
    return found


def _asked(one: Sequence[Exchange], other: Sequence[Exchange], wildcards: Wildcards) -> bool:
    """Whether both hosts asked the same, as far as both went."""
    return bool(one) and bool(other) and all(
        a.request.length == b.request.length
        and wildcards.difference(a.request.endpoint, a.request.data, b.request.data) is None
        for a, b in zip(one, other, strict=False)
    )  # fmt: skip


def _errors(name: str, one: Sequence[Exchange], other: Sequence[Exchange]) -> Finding | None:
    sides = [_errors_of(one), _errors_of(other)]
    if sides[0] == sides[1]:
        return None
    alone = "; ".join(
        f"{', '.join(sorted(errors))} from the {who} device alone"
        for who, errors in (("real", sides[0] - sides[1]), ("emulated", sides[1] - sides[0]))
        if errors
    )
    return Finding(Verdict.DIFFERENCE, name, alone, _use_of(one).told, _use_of(other).told)


def _errors_of(exchanges: Iterable[Exchange]) -> set[str]:
    return {each.status.name for each in exchanges if each.status is not None and each.status not in GOOD | _RETURNED}


def _contents(name: str, one: Sequence[Exchange], other: Sequence[Exchange], wildcards: Wildcards) -> Finding | None:
    """The first pair of answers that differs. Isochronous data are a matter of the moment."""
    for number, (a, b) in enumerate(zip(one, other, strict=False), 1):
        if a.waits or b.waits or a.answer is None or b.answer is None or a.request.transfer == TransferType.ISOCHRONOUS:
            continue
        where = f"{name}, URB {number}"
        lengths = [f"{each.length} bytes" for each in (a.answer, b.answer)]
        if lengths[0] != lengths[1]:
            return Finding(Verdict.DIFFERENCE, where, "another length", *lengths)
        place = None if a.cut or b.cut else wildcards.difference(a.request.endpoint, a.answer.data, b.answer.data)
        if place is not None:
            told = [show_data(each.data, place) for each in (a.answer, b.answer)]
            return Finding(Verdict.DIFFERENCE, where, f"other data from byte {place}", *told)
    return None


def _use_of(exchanges: Iterable[Exchange]) -> EndpointUse:
    """Count what became of URBs, and how long the device took."""
    use, statuses, lengths, times = EndpointUse(), Counter[str](), Counter[int](), list[float]()
    for exchange in exchanges:
        use.urbs += 1
        answer, status = exchange.answer, exchange.status
        if answer is None or status is None:
            statuses["pending"] += 1
            continue
        statuses[Status.OK.name if status in GOOD else status.name] += 1
        if status in _RETURNED:
            continue
        lengths[max(answer.length, 0)] += 1
        use.short += exchange.request.is_in and status in GOOD and 0 <= answer.length < exchange.request.length
        if exchange.number != ANYTIME:
            times.append(exchange.seconds * 1e6)
    use.statuses, use.lengths = dict(statuses.most_common()), dict(sorted(lengths.items()))
    use.times = {f"p{percent}": round(percentile(times, percent), 1) for percent in _QUANTILES if times}
    return use


def endpoints(real: Story, emulated: Story) -> dict[str, tuple[EndpointUse | None, EndpointUse | None]]:
    """The use of each endpoint, control included, in both."""
    one, other = _by_endpoint(real), _by_endpoint(emulated)
    return {
        endpoint_name(*key): (_use_of(one[key]) if key in one else None, _use_of(other[key]) if key in other else None)
        for key in sorted(one | other, key=lambda key: (key[1] & 0x7F, key))
    }
