"""A bench in a folder: devices are files, hub programs are scripts that print what the real ones print."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from hil.places import shell
from hil.places.shell_process import ShellProcess
from hil.rig.model import DeviceEntry, Match, PowerEntry
from hil.vm.remote import Command

UHUBCTL = """\
#!/bin/bash
# What uhubctl 2.5.0 says, taken down from the real one on Linux 6.12.
hub=$2 port=$4 action=$6
status() {
    echo "$1 status for hub $hub [05e3:0610 GenesysLogic USB2.1 Hub, USB 2.10, 4 ports, ppps]"
    [ "$port" -le 4 ] || return
    if [ -e "$BENCH/powered/$hub.$port" ]; then
        if [ -e "$BENCH/plugged/$hub.$port" ]; then
            echo "  Port $port: 0503 power highspeed enable connect [0951:1666 Kingston power off]"
        else
            echo "  Port $port: 0100 power"
        fi
    else
        echo "  Port $port: 0000 off"
    fi
}
case $(cat "$BENCH/mood") in
denied)
    printf 'There were permission problems while accessing USB.\\nFollow https://git.io/JIB2Z for a fix!\\n' >&2
    printf 'No compatible devices detected at location %s!\\nRun with -h to get usage info.\\n' "$hub" >&2
    exit 1;;
nohub)
    printf 'No compatible devices detected at location %s!\\nRun with -h to get usage info.\\n' "$hub" >&2; exit 1;;
broken) echo "Cannot enumerate USB devices!" >&2; exit 1;;
esac
status Current
[ -n "$action" ] || exit 0
if [ "$(cat "$BENCH/mood")" = refuses ]; then
    printf 'Failed to control port power!\\n: Broken pipe\\n' >&2
else
    [ "$action" = on ] && touch "$BENCH/powered/$hub.$port" || rm -f "$BENCH/powered/$hub.$port"
    "$BENCH/bin/settle" "$action" "$hub.$port"
fi
[ "$(cat "$BENCH/mood")" = nosysfs ] && echo "Failed to set port status by writing to /x/disable (denied)." >&2
echo "Sent power $action request"
status New
exit 0
"""

YKUSHCMD = """\
#!/bin/bash
# What ykushcmd 1.3.0 says (src/ykush/ykush.cpp).
[ "$1" = -s ] && shift 2
case "$(cat "$BENCH/mood") $1" in
"nohub -u") echo "Unable to open device"; echo "Unable to open device"; exit 0;;
"nohub -d") echo "Unable to open device"; echo "Unable to open device"; exit 255;;
"nohub -g") printf 'Unable to open device\\n\\n\\nDownstream port 15 is ON\\n\\n'; exit 0;;
"refuses "*) ;;
*" -u") touch "$BENCH/powered/1-1.$2"; "$BENCH/bin/settle" on "1-1.$2";;
*" -d") rm -f "$BENCH/powered/1-1.$2"; "$BENCH/bin/settle" off "1-1.$2";;
esac
[ "$1" = -g ] || exit 0
[ -e "$BENCH/powered/1-1.$2" ] && state=ON || state=OFF
printf '\\n\\nDownstream port %d is %s\\n\\n' "$2" "$state"
"""

SETTLE = """\
#!/bin/bash
# What becomes of the devices: as the mood of the bench is.
mood=$(cat "$BENCH/mood")
case "$mood $1" in
"lies "*|"unheard "*) ;;
"wrong off") mv "$BENCH/plugged/1-1.3" "$BENCH/parked/";;
"resets off")
    mv "$BENCH/plugged/$2" "$BENCH/parked/"
    setsid bash -c "sleep 0.1; mv $BENCH/parked/$2 $BENCH/plugged/" </dev/null >/dev/null 2>&1 & ;;
"half off") mv "$BENCH/plugged/$2" "$BENCH/plugged/2-${2#*-}";;
"dies on") ;;
"moves on") mv "$BENCH/parked/$2" "$BENCH/plugged/1-1.4";;
"dumb on") sed 's/"active_configuration": 1/"active_configuration": 0/' "$BENCH/parked/$2" >"$BENCH/plugged/$2";;
*" off") [ ! -e "$BENCH/plugged/$2" ] || mv "$BENCH/plugged/$2" "$BENCH/parked/";;
*" on") [ ! -e "$BENCH/parked/$2" ] || mv "$BENCH/parked/$2" "$BENCH/plugged/";;
esac
"""


class Enumeration:
    """The watching program of a place, as a reader sees it."""

    pid, returncode, running = 1, None, True

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._lines: list[str] = []

    @property
    def stdout(self) -> str:
        line = json.dumps(self._bench.devices())
        if line not in self._lines[-1:]:
            self._lines.append(line)
        return "".join(f"{line}\n" for line in self._lines)

    output = stdout

    def wait_for_output(self, *_: object) -> None:
        assert self.stdout

    def kill(self) -> None:
        self.running = False

    def wait(self, *_: object) -> None:
        assert not self.running


class Bench(shell.ShellPlace):
    """This machine's bash with fake programs first, and devices that are files."""

    def __init__(self, folder: Path) -> None:
        super().__init__("the bench", interpreter=sys.executable)
        self.folder = folder
        self.answering = True
        for name in ("bin", "plugged", "parked", "powered"):
            (folder / name).mkdir()
        self.mood = "honest"
        self.program("settle", SETTLE)
        for port, serial in (("1-1.2", "S2"), ("1-1.3", "S3")):
            self.plug(port, serial)
            (folder / "powered" / port).touch()

    @property
    def mood(self) -> str:
        return (self.folder / "mood").read_text()

    @mood.setter
    def mood(self, value: str) -> None:
        (self.folder / "mood").write_text(value)

    def program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def plug(self, busid: str, serial: str) -> None:
        info = {"vendor": 0x0951, "product": 0x1666, "serial": serial, "active_configuration": 1}
        (self.folder / "plugged" / busid).write_text(json.dumps(info))

    def unplug(self, busid: str) -> None:
        (self.folder / "plugged" / busid).unlink()

    def there(self) -> set[str]:
        return {path.name for path in (self.folder / "plugged").iterdir()}

    def devices(self) -> list[dict[str, Any]]:
        paths = sorted((self.folder / "plugged").iterdir())
        infos = [{**json.loads(path.read_text()), "busid": path.name} for path in paths]
        return [{"info": info, "address": 1} for info in infos]

    def start(self, command: Command, **options: Any) -> ShellProcess:
        if not isinstance(command, str) and command[-1] == "hil.places.watching":
            return Enumeration(self)  # type: ignore[return-value]  # all that a Watch needs
        if not isinstance(command, str) and "hil.probes" in command:
            answer = '{"result": {}}' if self.answering else '{"error": {"status": "GONE"}}'
            return super().start(["echo", answer])
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return super().start(command, **{**options, "env": {"PATH": path, "BENCH": str(self.folder)}})


def stick(kind: str, **options: Any) -> DeviceEntry:
    """The device in port 2 of the bench's hub."""
    return DeviceEntry(name="stick", match=Match(serial="S2"), power=PowerEntry(kind, options))
