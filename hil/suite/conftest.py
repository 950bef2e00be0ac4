"""The suite's tests are run by the plug-in of :mod:`hil.harness`."""

pytest_plugins = ["hil.harness.plugin"]
