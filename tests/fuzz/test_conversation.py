"""The stateful machines for a short while; ``nox -s fuzz`` runs them for longer."""

from __future__ import annotations

from hypothesis import settings

from tests.fuzz.conversation import Conversation
from tests.fuzz.kernel_machine import KernelMachine

TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=8, stateful_step_count=20, deadline=None)
TestKernelMachine = KernelMachine.TestCase
TestKernelMachine.settings = settings(max_examples=10, stateful_step_count=30, deadline=None)
