"""The stateful machines for a short while; ``nox -s fuzz`` runs them for longer."""

from __future__ import annotations

from hypothesis import settings

from tests.fuzz.conversation import Conversation
from tests.fuzz.kernel_machine import KernelMachine

TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestKernelMachine = KernelMachine.TestCase
TestKernelMachine.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
