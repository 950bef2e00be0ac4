"""The machine of conversation.py for a short while; ``nox -s fuzz`` runs it for longer."""

from __future__ import annotations

from hypothesis import settings

from tests.fuzz.conversation import Conversation

TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
