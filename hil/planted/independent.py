"""Bugs that somebody thought of who had read the program and not :mod:`hil.planted.plants`, nor the suite.

Those that were missed at first have a test since.
"""

from __future__ import annotations

from .plant import Plant

__all__ = ["INDEPENDENT"]

_PUMP = "wslusb/host/pump.py"
_SERVICE = "wslusb/host/service.py"
_CATALOG = "wslusb/host/catalog.py"
_CODEC = "wslusb/wire/urbs.py"
_USBIP = "wslusb/wire/usbip.py"
_TABLES = "wslusb/session/inflight.py"
_CONNECTION = "wslusb/session/connection.py"
_RELAY = "wslusb/guest/relay.py"
_AGENT = "wslusb/guest/agent.py"
_REMOTE = "wslusb/guest/remote.py"
_BACKLOG = "wslusb/guest/backlog.py"
_SETUP = "wslusb/usb/setup.py"

_SUBMIT = "                submit(urb, done)\n"
_COMPLETED = "        urb, link = completion.urb, self._link\n"
_DATA = "    if data:\n        buffers.append(data)\n"
_OUT_DATA = "    data = payload[offset:]\n    return Urb("

_USBTEST = ("test_conformance.py::test_usbtest",)
_CANCELLED = ("test_unlink.py::test_cancelled_reads",)
_CROWD = ("test_transfers.py::test_a_crowd_of_reads_after_many_transfers",)

INDEPENDENT = (
    Plant("a URB that waits for credit is never sent", _REMOTE, "            if queue:\n                wake()\n", "",
          "zero", ("test_transfers.py::test_more_at_a_time_than_there_are_credits",)),
    Plant("URBs that wait for credit: the last first", _BACKLOG, "urb, done = queue.popleft()",
          "urb, done = queue.pop()", "zero", ("test_transfers.py::test_more_at_a_time_than_there_are_credits",)),
    Plant("data of URBs that wait are not copied", _BACKLOG, "        urb.data = bytes(urb.data)\n", "", "zero",
          ("test_transfers.py::test_more_at_a_time_than_there_are_credits",)),
    Plant("a device stays claimed after its detach", _CATALOG, "                del self._claims[claim.info.busid]\n",
          "                pass\n", "zero", ("test_hotplug.py::test_a_replug_is_the_same_device",)),
    Plant("the agent believes that it is still attaching", _AGENT,
          "            finally:\n                self._busy.discard(info.busid)\n",
          "            finally:\n                pass\n", "zero",
          ("test_hotplug.py::test_a_replug_is_the_same_device",)),
    Plant("transfers above 2 MiB end the session", _CONNECTION, "max(limits.CONTROL_PAYLOAD, urb)", "min(urb, 2 << 20)",
          "zero", ("test_transfers.py::test_long_transfers",)),
    Plant("a URB of no bytes does not leave", _RELAY,
          "        elif urb.transfer == TransferType.ISOCHRONOUS and not urb.iso_lengths:",
          "        elif not urb.length and urb.setup is None:", "zero",
          ("test_transfers.py::test_a_transfer_of_no_bytes",)),
    Plant("the 8192nd request ends the session", _CONNECTION, "expected + 1 & 0xFFFFFFFF or 1",
          "expected + 1 & 0x1FFF or 1", "zero", ("test_endurance.py::test_many_urbs",)),
    Plant("the agent leaves an idle host", "wslusb/transport/link.py", "                self._liveness.heard()\n",
          "                pass\n", "zero", ("test_silence.py", "test_endings.py", "test_soak.py")),
    Plant("the relay is never idle", _BACKLOG, "        self._thread: threading.Thread | None = None\n",
          "        self._thread: threading.Thread | None = None\n        def spin() -> None:\n"
          "            while not self._over:\n                pass\n"
          "        threading.Thread(target=spin, daemon=True).start()\n", "zero",
          ("test_endurance.py::test_nothing_to_do",)),
    Plant("each URB takes 2 ms more", _PUMP, _SUBMIT, "                __import__('time').sleep(0.002)\n" + _SUBMIT,
          "zero", ("test_performance.py::test_a_request_takes_little_more_than_the_way",)),
    Plant("without a capture data are lost", "wslusb/device/tapped.py",
          "            self._device.submit(urb, done)\n            return\n",
          "            def bare(completion: Completion) -> None:\n"
          "                completion.data = bytes(len(completion.data))\n"
          "                done(completion)\n            self._device.submit(urb, bare)\n"
          "            return\n", "zero", ("test_transfers.py::test_without_a_capture",)),
    Plant("what is not shared can be attached", _CATALOG, "        if not self.bindings.is_bound(info):\n",
          "        if False:\n", "zero", ("test_hotplug.py::test_what_a_guest_must_not_have_is_refused",)),
    Plant("the wrong one of two devices is detached", _AGENT, "        ports[info.busid].close()\n",
          "        max(ports.values(), key=lambda port: port.number).close()\n", "stick zero",
          ("test_hotplug.py::test_one_of_two_is_detached",)),
    Plant("the credit of a cancelled URB is lost", _TABLES,
          "        urb = self._urbs.pop(sequence)\n        self._credits.give_back(urb.length)\n",
          "        urb = self._urbs.pop(sequence)\n        if status != Status.CANCELLED:\n"
          "            self._credits.give_back(urb.length)\n", "zero", _CROWD),
    Plant("a connection is never forgotten", _SERVICE,
          "            self._peers[stream.peer.kind, stream.peer.number] -= 1\n", "            pass\n", "zero",
          ("test_endurance.py::test_guests_come_and_go",)),
    Plant("a cancel that has lost is not answered", _PUMP,
          "                self._answer_cancel(sequence, target, won=False)\n                return\n",
          "                return\n", "serial", _CANCELLED),
    Plant("a refused change of state is told as done", _PUMP, "            self._done(Completion(urb, error.status))\n",
          "            self._done(Completion(urb))\n", "keyboard",
          ("test_requests.py::test_settings_that_there_are_not_are_refused",)),
    Plant("the count of isochronous errors is 0", _USBIP, "max(0, min(completion.error_count, len(lengths)))", "0",
          "zero", ("test_errors.py::test_isochronous_errors_are_counted",)),
    Plant("an alternate setting is not followed by the relay", "wslusb/usb/endpoints.py",
          "            self.select_interface(setup.index, setup.value)\n", "            pass\n", "zero", _USBTEST),
    Plant("isochronous OUT data are one packet off", _CODEC, _OUT_DATA,
          "    data = payload[offset:]\n    if iso and not is_in:\n"
          "        data = bytes(data[iso[0]:]) + bytes(data[:iso[0]])\n    return Urb(", "headset",
          ("test_audio.py::test_what_is_played_is_heard_without_gap",)),
    Plant("the last isochronous packet of a URB is lost", _CODEC, "    head = _RESPONSE_FRAME.pack(\n",
          "    if iso and data:\n        iso = list(iso)\n        cut = iso[-1].actual_length\n"
          "        iso[-1] = IsoResult(0, 0)\n"
          "        data, actual = data[: len(data) - cut], actual - cut\n"
          "    head = _RESPONSE_FRAME.pack(\n", "zero", ("test_iso.py",)),
    Plant("writes go one at a time", _PUMP, _SUBMIT,
          "                if urb.transfer == 2 and not urb.endpoint & 0x80:\n"
          "                    over = __import__('threading').Event()\n"
          "                    def one(completion: Completion, over=over) -> None:\n"
          "                        done(completion)\n                        over.set()\n"
          "                    submit(urb, one)\n                    over.wait(20)\n"
          "                    continue\n" + _SUBMIT, "zero",
          ("test_transfers.py::test_writes_that_wait_hold_up_nobody",)),
    Plant("SET_INTERFACE is passed on as it is", _SETUP, "            return Barrier.SELECT_INTERFACE\n",
          "            return None\n", "zero", _USBTEST, "gadgets.toml"),
    Plant("SET_CONFIGURATION is passed on as it is", _SETUP, "            return Barrier.SELECT_CONFIGURATION\n",
          "            return None\n", "zero", _USBTEST, "gadgets.toml"),
    Plant("URBs that wait for memory of usbfs wait for ever", "wslusb/device/libusb_engine.py",
          "        if granted:\n            _pass_on(granted)\n", "", "zero",
          ("test_performance.py::test_throughput", "test_conformance.py::test_usbtest"), "gadgets.toml"),
    Plant("each URB leaves a line in the log", _PUMP, _COMPLETED,
          _COMPLETED + "        log.info('URB %d', urb.sequence)\n", "zero", ("test_endurance.py::test_many_urbs",)),
    Plant("a request of a class loses its data", _CODEC, _OUT_DATA, "    data = payload[offset:]\n"
          "    if setup is not None and setup.request_type == 0x21 and not is_in:\n"
          "        data = bytes(len(data))\n    return Urb(", "serial",
          ("test_serial.py::test_a_line_coding_is_the_one_that_was_set",)),
    Plant("data beyond 128 KiB of a URB are others", _CODEC, _DATA,
          "    if len(data) > 131072:\n        data = bytearray(data)\n        data[131072] ^= 1\n" + _DATA, "zero",
          ("test_transfers.py::test_long_transfers",)),
    Plant("a device that is kept stays away", _AGENT, "        else:\n            self.keeper.wake()\n",
          "        else:\n            pass\n", "zero",
          ("test_hotplug.py::test_a_device_that_is_kept_comes_back_until_it_is_detached",)),
    Plant("a detached device comes back", "wslusb/guest/keeper.py",
          "            self._names = [name for name in self._names if not naming.matches(info, name)]\n",
          "            pass\n", "zero",
          ("test_hotplug.py::test_a_device_that_is_kept_comes_back_until_it_is_detached",)),
)  # fmt: skip
