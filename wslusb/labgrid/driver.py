"""Drivers that attach a device to a guest's kernel: that of this machine, or of one that a command driver reaches."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import attr
from labgrid.binding import BindingState
from labgrid.driver import Driver
from labgrid.driver.exception import ExecutionError
from labgrid.factory import target_factory
from labgrid.protocol import CommandProtocol, ResetProtocol
from labgrid.step import step

from ..control.messages import Json
from .nodes import AttachedNode
from .resource import NetworkWslusbDevice, WslusbDevice

__all__ = ["WslusbDriver", "WslusbGuestDriver"]

_GRACE = 10.0
"""How much longer than ``wslusb`` itself its command is waited for, in seconds."""
_VERB_SECONDS = 30.0

Said = tuple[Sequence[str], Sequence[str], int]
"""What labgrid's command drivers give: lines of standard output, of standard error, and the exit code."""


@target_factory.reg_driver
@attr.s(eq=False)
class WslusbDriver(Driver, ResetProtocol):
    """Attaches the device to this machine, whose ``wslusb agent`` is connected to the device's host.

    Args:
        command (str): how to run wslusb here: ``sudo /opt/wslusb/bin/wslusb``
        timeout (float): how long to wait until the device is usable, in seconds
        keep (bool): attach it again whenever it comes back: a board that reboots
    """

    bindings: ClassVar[dict[str, Any]] = {"device": {WslusbDevice, NetworkWslusbDevice}}
    priorities: ClassVar[dict[type, int]] = {ResetProtocol: -20}  # whoever has a power switch resets the board by that
    command: str = attr.ib(default="wslusb", validator=attr.validators.instance_of(str))
    timeout: float = attr.ib(default=40.0, converter=float)
    keep: bool = attr.ib(default=False, validator=attr.validators.instance_of(bool))

    def on_activate(self) -> None:
        """Attach it. ExecutionError with what wslusb said if that fails."""
        if isinstance(self.device, WslusbDevice):
            self.device.lend()
        self._nodes: tuple[str, ...] = ()
        try:
            self._attach()
        except BaseException:
            self._give_back()
            raise

    def on_deactivate(self) -> None:
        """Let go of its nodes and detach it. ExecutionError if the guest still has it then."""
        try:
            self._detach()
        finally:
            self._give_back()

    @Driver.check_active
    @step(result=True)
    def get_nodes(self) -> list[str]:
        """Where it is in the guest now (``/dev/ttyACM0``): a device that was attached again may be elsewhere."""
        here = self._attached()
        if here is None:
            raise ExecutionError(f"{self._busid} is not attached any more")
        self._offer(here["nodes"])
        return list(here["nodes"])

    @Driver.check_active
    @step()
    def cycle(self) -> None:
        """Detach it and attach it again: to the guest, it is pulled out and plugged in. Its power stays on."""
        self._detach()
        self._attach()

    @Driver.check_active
    @step()
    def reset(self) -> None:
        """See :meth:`cycle`."""
        self.cycle()

    # -- the guest

    def _attach(self) -> None:
        self._busid = str(self.device.busid)
        options = ["--auto-attach"] if self.keep else []
        command = ["attach", self._busid, "--json", "--timeout", f"{self.timeout:g}", *options]
        self._offer(self._wslusb(*command, seconds=self.timeout + _GRACE)["nodes"])

    def _detach(self) -> None:
        self._offer(())
        try:
            self._wslusb("detach", self._busid, "--json")
        except ExecutionError:
            # It may have been unplugged, or its place released: then it is gone, and that is what was wanted.
            if self._attached() is not None:
                raise

    def _attached(self) -> Json | None:
        """What the agent says of the device, None if it is not there."""
        agent = self._wslusb("state", "--json")["agent"] or {"attached": []}
        found: list[Json] = [each for each in agent["attached"] if each["busid"] == self._busid]
        return found[0] if found else None

    def _wslusb(self, *arguments: str, seconds: float = _VERB_SECONDS) -> Json:
        """Run a verb in the guest; what it printed. ExecutionError if it failed."""
        line = f"{self.command} {shlex.join(arguments)}"
        stdout, stderr, code = self._run(line, seconds)
        if code:
            raise ExecutionError(f"`{line}` ended with {code}: {' '.join([*stderr, *stdout])}", stdout, stderr)
        # Over a serial console, messages and results come as one.
        text = "\n".join(stdout)
        document: Json = json.JSONDecoder().raw_decode(text, max(text.find("{"), 0))[0]
        return document

    def _run(self, line: str, seconds: float) -> Said:
        try:
            done = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=seconds, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ExecutionError(f"`{line}`: {error}") from error
        return done.stdout.splitlines(), done.stderr.splitlines(), done.returncode

    # -- labgrid

    def _nodes_of_target(self) -> list[Any]:
        """The resources that stand for nodes of this device; they are this machine's."""
        resources = self.target.resources
        return [each for each in resources if isinstance(each, AttachedNode) and each.brought_by(self.device)]

    def _offer(self, nodes: Sequence[str]) -> None:
        """Tell them where they are; drivers of nodes that go or move are deactivated first."""
        if tuple(nodes) == self._nodes:
            return
        self._nodes = tuple(nodes)
        for resource in self._nodes_of_target():
            if resource.state is BindingState.active:
                self.target.deactivate(resource)
            resource.offer(nodes)

    def _give_back(self) -> None:
        if isinstance(self.device, WslusbDevice):
            self.device.give_back()


@target_factory.reg_driver
@attr.s(eq=False)
class WslusbGuestDriver(WslusbDriver):
    """Attaches the device to the machine that a command driver reaches (``bindings: {guest: NAME}``, always named).

    Its nodes are that machine's: :meth:`get_nodes` tells them, ``WslusbSerialPort`` and ``WslusbMassStorage`` are not
    for them.
    """

    bindings: ClassVar[dict[str, Any]] = {
        **WslusbDriver.bindings,
        # By name: the first command driver of a target is the board's, not the guest's.
        "guest": Driver.NamedBinding(CommandProtocol),
    }

    def _run(self, line: str, seconds: float) -> Said:
        run: Callable[..., Said] = self.guest.run
        return run(line, timeout=seconds)

    def _nodes_of_target(self) -> list[Any]:
        return []
