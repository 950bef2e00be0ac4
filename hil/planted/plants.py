"""The table of bugs, by the part of the program that they are in, and the tests that should catch each."""

from __future__ import annotations

from .independent import INDEPENDENT
from .plant import Plant

__all__ = ["PLANTS", "Plant"]

_PUMP, _EXPORT, _SERVICE = "wslusb/host/pump.py", "wslusb/host/export.py", "wslusb/host/service.py"
_CODEC, _USBIP, _TABLES = "wslusb/wire/urbs.py", "wslusb/wire/usbip.py", "wslusb/session/inflight.py"
_RELAY, _PORT, _AGENT = "wslusb/guest/relay.py", "wslusb/guest/port.py", "wslusb/guest/agent.py"
_CLAIMS, _DEVICE = "wslusb/device/libusb_claims.py", "wslusb/device/libusb.py"

_SUBMIT = "                submit(urb, done)\n"
_COMPLETED = "        urb, link = completion.urb, self._link\n"
_HEAD = "    data, actual = completion.data, completion.actual_length\n"
_DATA = "    if data:\n        buffers.append(data)\n"


_USBTEST = ("test_conformance.py::test_usbtest",)
_CHAPTER_9 = ("test_conformance.py::test_chapter_9",)
_SAME = ("test_enumeration.py",)
_REFUSED = ("test_requests.py::test_what_a_device_refuses_is_refused_the_same_way",)
_STREAM = ("test_unlink.py::test_cancelled_reads_lose_no_data",)
_CANCELLED = ("test_unlink.py::test_cancelled_reads",)
_LOOP = ("test_transfers.py",)
_CROWD = ("test_transfers.py::test_a_crowd_of_reads_after_many_transfers",)
_HALF = ("test_transfers.py::test_a_read_that_is_taken_back_brings_what_it_has",)
_READ = ("test_storage.py::test_both_sides_read_the_same",)
_NUMBERED = ("test_iso.py",)
_BACK = ("test_hotplug.py::test_the_host_s_drivers_have_it_back",)

PLANTS = (
    # -- host: URBs
    Plant("one completion in 500 is lost", _PUMP, _COMPLETED,
          _COMPLETED + "        if urb.endpoint and urb.sequence % 500 == 499:\n            return\n",
          "zero", _USBTEST),
    Plant("a completion is overtaken by the next ones", _PUMP, _COMPLETED,
          _COMPLETED + "        if urb.endpoint & 0x80 and urb.sequence % 16 == 7 and urb.interval != 4711:\n"
          "            urb.interval, completion.data = 4711, bytes(completion.data)\n"
          '            __import__("threading").Timer(0.005, self._done, (completion,)).start()\n'
          "            return\n", "zero", _USBTEST),
    Plant("reports are told twice", _PUMP, _SUBMIT,
          "                if urb.transfer == 3 and urb.endpoint & 0x80:\n"
          "                    if again := self.__dict__.pop('_again', b''):\n"
          "                        done(Completion(urb, 0, len(again), again))\n"
          "                        continue\n"
          "                    def twice(completion: Completion) -> None:\n"
          "                        self.__dict__['_again'] = bytes(completion.data)\n"
          "                        done(completion)\n"
          "                    submit(urb, twice)\n"
          "                    continue\n" + _SUBMIT, "mouse", ("test_hid.py::test_reports_that_come_by_themselves",)),
    Plant("a read that waits for five seconds is taken back", _PUMP, _SUBMIT,
          _SUBMIT + "                if urb.endpoint & 0x80:\n"
          "                    __import__('threading').Timer(5, self._device.cancel, (urb,)).start()\n", "zero", _LOOP),
    Plant("the 17th URB in flight is refused", _PUMP, _SUBMIT,
          "                if len(table) > 16:\n                    done(Completion(urb, Status.NO_MEMORY))\n"
          "                else:\n    " + _SUBMIT, "zero", _LOOP),
    Plant("each URB takes 20 ms more", _PUMP, _SUBMIT,
          "                __import__('time').sleep(0.02)\n" + _SUBMIT, "zero",
          ("test_performance.py::test_latency",), "gadgets.toml"),
    Plant("requests of a class that have no data go nowhere", _PUMP, _SUBMIT,
          "                if setup is not None and setup.request_type == 0x21 and not setup.length:\n"
          "                    done(Completion(urb))\n                else:\n    " + _SUBMIT,
          "keyboard", ("test_hid.py::test_idle_rate_and_protocol_can_be_set_as_natively",)),
   Plant("output reports go nowhere", _PUMP, _SUBMIT,
          "                if setup is not None and setup.request_type == 0x21 and setup.request == 9:\n"
          "                    done(Completion(urb, 0, urb.length))\n                else:\n    " + _SUBMIT,
          "keyboard", ("test_hid.py::test_a_led_that_a_program_lights_in_the_guest_is_lit",)),
    Plant("the BOS is refused", _PUMP, _SUBMIT,
          "                if setup is not None and setup.is_get_descriptor(15):\n"
          "                    done(Completion(urb, Status.STALL))\n                else:\n    " + _SUBMIT,
          "super", _SAME),
    Plant("SET_FEATURE goes nowhere", _PUMP, _SUBMIT,
          "                if setup is not None and setup.request_type < 3 and setup.request == 3:\n"
          "                    done(Completion(urb))\n                else:\n    " + _SUBMIT, "zero", _USBTEST),
    Plant("4 KiB are leaked with each URB", _PUMP, _COMPLETED,
          _COMPLETED + "        globals().setdefault('_leak', []).append(bytearray(b'.') * 4096)\n",
          "zero", ("test_endurance.py::test_many_urbs",)),
    # -- host: cancels and state
    Plant("a cancel does nothing", _PUMP, "        self._device.cancel(urb)\n\n    def _abort",
          "\n    def _abort", "serial", _CANCELLED),
    Plant("a cancel is answered twice", _PUMP, "            self._answer_cancel(sequence, target, won=won)\n",
          "            self._answer_cancel(sequence, target, won=won)\n" * 2, "serial", _CANCELLED),
    Plant("SET_CONFIGURATION is not done", _PUMP, "self._device.select_configuration(setup.value & 0xFF)", "pass",
          "zero", _STREAM),
    Plant("SET_INTERFACE is not done", _PUMP, "self._device.select_interface(setup.index, setup.value)", "pass",
          "zero", _USBTEST),
    Plant("CLEAR_HALT is not done", _PUMP, "self._device.clear_halt(setup.index & 0xFF)", "pass", "zero", _USBTEST),
    Plant("a descriptor is leaked with each attach", _EXPORT, "        try:\n            answer = AttachAnswer(",
          "        __import__('os').open('/dev/null', 0)\n        try:\n            answer = AttachAnswer(",
          "zero", ("test_soak.py",)),
    Plant("an unplug is not noticed", _SERVICE, "        self.catalog.watch(self._rescan)\n", "", "zero",
          ("test_hotplug.py::test_the_guest_sees_an_unplug",)),
    # -- wire
    Plant("a bit flips in the middle of an IN transfer above 32 KiB", _CODEC, _DATA,
          "    if len(data) > 32768:\n        data = bytearray(data)\n        data[20000] ^= 1\n" + _DATA,
          "stick", _READ),
    Plant("a bit flips in the middle of an IN transfer above 4 KiB", _CODEC, _DATA,
          "    if len(data) > 4096:\n        data = bytearray(data)\n        data[4095] ^= 1\n" + _DATA, "zero", _LOOP),
    Plant("a short read is told as full", _CODEC, _HEAD,
          _HEAD + "    if completion.urb.transfer == 2 and completion.urb.is_in and not status and actual:\n"
          "        actual = completion.urb.length\n        data = bytes(data).ljust(actual, b'.')\n", "zero", _STREAM),
    Plant("a stall is told as a success", _CODEC, _HEAD,
          _HEAD + "    status = 0 if status == Status.STALL else status\n",
          "keyboard", _REFUSED),
    Plant("a stall is told as a protocol error", _CODEC, _HEAD,
          _HEAD + "    status = Status.PROTOCOL if status == Status.STALL else status\n", "keyboard", _REFUSED),
    Plant("bMaxPower is another", _CODEC, _DATA,
          "    if completion.urb.setup and completion.urb.setup.is_get_descriptor(2) and len(data) > 8:\n"
          "        data = bytearray(data)\n        data[8] += 1\n" + _DATA, "keyboard", _SAME),
    Plant("the last letter of a string is another", _CODEC, _DATA,
          "    if completion.urb.setup and completion.urb.setup.is_get_descriptor(3) and len(data) > 8:\n"
          "        data = bytearray(data)\n        data[-2] ^= 1\n" + _DATA, "keyboard", _SAME),
    Plant("control OUT data beyond 64 bytes are zeroes", _CODEC, "    data = payload[offset:]\n    return Urb(",
          "    data = payload[offset:]\n    if setup is not None and len(data) > 64:\n"
          "        data = bytes(data[:64]).ljust(len(data), b'\\0')\n    return Urb(", "zero", _USBTEST),
    Plant("isochronous errors are told as successes", _CODEC, "_ISO.pack(result.status, ", "_ISO.pack(0, ",
          "zero", ("test_errors.py",)),
    Plant("isochronous data are one packet off", _CODEC, _DATA,
          "    if iso and iso[0].actual_length:\n        first = iso[0].actual_length\n"
          "        data = bytes(data[first:]) + bytes(data[:first])\n" + _DATA, "zero", _NUMBERED),
    Plant("isochronous packets lie one place further on", _USBIP, "zip(submit.offsets, lengths, iso, strict=True)",
          "zip(submit.offsets[1:] + submit.offsets[:1], lengths, iso, strict=True)", "zero", _NUMBERED),
    Plant("ZERO_PACKET is lost", _USBIP, "    if flags & _ZERO_PACKET and not direction:\n",
          "    if flags & 0 and not direction:\n", "zero", _LOOP),
    # -- session
    Plant("the host forgets the credit of one URB in 1000", _TABLES,
          "        del self._urbs[sequence]\n        self._credits.give_back(urb.length)\n",
          "        del self._urbs[sequence]\n        if sequence % 1000:\n"
          "            self._credits.give_back(urb.length)\n", "zero", _CROWD),
    Plant("a silent peer is never given up", "wslusb/session/liveness.py",
          "if self._silent >= limits.DEAD_AFTER_PINGS:", "if self._silent > 1000:", "zero", ("test_silence.py",)),
    # -- guest
    Plant("a reset of the port is swallowed", _RELAY, "            self._device.reset()\n", "            pass\n", "dfu",
          ("test_dfu.py::test_it_comes_back_as_its_loader",)),
    Plant("what a cancelled read has brought is thrown away", _RELAY,
          "if completion.status == Status.CANCELLED and not completion.actual_length:",
          "if completion.status == Status.CANCELLED:", "zero", _HALF),
    Plant("a high-speed device is said to be full-speed", _PORT, "vhci.attach(kernels, devid, self.info.speed)",
          "vhci.attach(kernels, devid, min(self.info.speed, type(self.info.speed).FULL))", "zero", _SAME),
    Plant("a child of the agent keeps the port's socket", _PORT, "        self._stream = SocketStream(ours,",
          "        __import__('subprocess').Popen(['sleep', '60'], pass_fds=[ours.fileno()])\n"
          "        self._stream = SocketStream(ours,", "zero", ("test_endings.py::test_the_agent_ends",)),
    Plant("the agent does not end at SIGTERM", _AGENT, "        self._stopping.set()\n        self._lost.set()\n",
          "        self._stopping.set()\n", "zero", ("test_endings.py::test_the_agent_ends",)),
    Plant("the agent does not come back to a host that was away", _AGENT, "            self._lost.wait()\n",
          "            self._lost.wait()\n            self._stopping.wait(120)\n", "zero",
          ("test_endings.py::test_the_service_ends",)),
    # -- device, under drivers of a kernel
    Plant("the host's drivers do not get the device back", _CLAIMS,
          "        for number in numbers:\n            self._native.attach(number)\n", "        del numbers\n",
          "modem", _BACK, "gadgets.toml"),
    Plant("the guardian does not know what it guards", "wslusb/system/guardian.py",
          '            self._say(f"claim {bus} {address}")\n', "            pass\n",
          "modem", ("test_endings.py::test_the_service_ends",), "gadgets.toml"),
    Plant("libusb is not asked to clear a halt", _DEVICE, "                self._native.clear_halt(endpoint)\n",
          "                pass\n", "zero", _USBTEST, "gadgets.toml"),
    Plant("a device stays in the configuration of its guest", _DEVICE,
          "            if self._active != self._original:\n",
          "            if False:\n", "modem",
          ("test_endings.py::test_a_detach_of_a_device_that_the_guest_has_unconfigured",), "gadgets.toml"),
    *INDEPENDENT,
)  # fmt: skip
