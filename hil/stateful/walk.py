"""Goes through steps on a bench and judges what is seen; the rules of a walk, for hypothesis to choose from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from .bench import Bench
from .model import Model, Violation
from .steps import DEVICE_STEPS, Step, Walk

__all__ = ["Course", "follow", "rules"]


class Course:
    """A walk under way. Steps that do not fit the state are left out, so any part of a walk is a walk.

    Steps with an attached device are gathered until something else is to happen: on a rig, a program has to be started
    in the guest for each lot.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._model = Model(bench.info())
        self._lot: list[Step] = []
        self.done: list[Step] = []

    def do(self, step: Step) -> None:
        """One step. Violation if it, or one before it, has gone wrong."""
        if step.name in DEVICE_STEPS:
            if self._bench.attached and DEVICE_STEPS[step.name].traits <= set(self._bench.traits):
                self.done.append(step)
                self._lot.append(step)
            return
        if not self._fits(step.name):
            return
        self.done.append(step)
        self.judge()
        _LIVES[step.name](self._bench)

    def _fits(self, name: str) -> bool:
        if name == "replug":
            return self._bench.can_replug
        return self._bench.attached is not (name == "attach")

    def judge(self) -> None:
        """Do what has been gathered. Violation if something is not as it should be."""
        steps, self._lot = self._lot, []
        if steps:
            seen = self._bench.play(steps)
            self._model.judge(steps, seen, self._bench.injected())

    def abandon(self) -> None:
        """Leave it where it is: something has gone wrong, and what comes after it teaches nothing."""
        self._lot.clear()
        if self._bench.attached:
            self._bench.detach()

    def finish(self) -> None:
        """The last steps, and what must be true when nothing is attached. Violation."""
        try:
            self.judge()
        finally:
            self.abandon()
        if troubles := self._bench.troubles():
            raise Violation(troubles[0])


_LIVES: Mapping[str, Callable[[Bench], None]] = {
    "attach": lambda bench: bench.attach(),
    "detach": lambda bench: bench.detach(),
    "replug": lambda bench: bench.replug(),
    "kill_agent": lambda bench: bench.kill_agent(),
    "kill_service": lambda bench: bench.kill_service(),
}


def follow(steps: Iterable[Step], bench: Bench) -> None:
    """Go through a walk that is written down. Violation if something goes wrong."""
    course = Course(bench)
    try:
        for step in steps:
            course.do(step)
    except BaseException:
        course.abandon()
        raise
    course.finish()


class Rules(RuleBasedStateMachine):
    """What may happen next. :func:`rules` gives it a bench to happen on."""

    open_bench: Callable[[], Bench]
    ended: Callable[[Walk], None]

    def __init__(self) -> None:
        super().__init__()
        self._bench = type(self).open_bench()
        self._course = Course(self._bench)
        self._violation = ""
        self._does(Step("attach"))

    def _does(self, step: Step) -> None:
        with self._watched():
            self._course.do(step)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._violation = str(error)
            raise

    @rule(data=st.data(), steps=st.integers(3, 12))
    def use(self, data: st.DataObject, steps: int) -> None:
        """Some things with the device: most of what a walk does."""
        fitting = [name for name, limits in DEVICE_STEPS.items() if limits.traits <= set(self._bench.traits)]
        for _ in range(steps):
            name = data.draw(st.sampled_from(fitting))
            limits = DEVICE_STEPS[name]
            size = data.draw(st.integers(limits.smallest, limits.size))
            count = data.draw(st.integers(1, limits.count)) if limits.count else 0
            self._does(Step(name, size, count))

    @rule(way=st.sampled_from(["detach", "replug", "kill_agent", "kill_service"]))
    def leave(self, way: str) -> None:
        """Out of the guest in one way or another, and in again."""
        self._does(Step(way))
        self._does(Step("attach"))

    def teardown(self) -> None:
        """Whatever happened, the walk is told; Violation if the end of it is wrong."""
        try:
            if self._violation:
                self._course.abandon()
            else:
                with self._watched():
                    self._course.finish()
        finally:
            done, traits = tuple(self._course.done), frozenset(self._bench.traits)
            type(self).ended(Walk(done, traits, violation=self._violation))


def rules(open_bench: Callable[[], Bench], ended: Callable[[Walk], None]) -> type[RuleBasedStateMachine]:
    """A machine for hypothesis. ``open_bench`` makes a bench a walk; ``ended`` is told each walk, good or bad."""
    return type("Walking", (Rules,), {"open_bench": staticmethod(open_bench), "ended": staticmethod(ended)})
