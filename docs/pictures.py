"""Makes the pictures of docs/wireshark-example.md again: its stick does not mount, and Wireshark shows why.

    PYTHONPATH=. python docs/pictures.py

Needs the virtual machines (hil/requirements.py) and Debian's wireshark, xvfb, xdotool, imagemagick and pngquant.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hil.vm.rig import Rig
from wslusb.cli.wireshark import dissector

HERE = Path(__file__).resolve().parent
PAGE, PICTURES = HERE / "wireshark-example.md", HERE / "pictures"
WINDOW = "".join(f"gui.geometry_main_{name}\n" for name in ("x: 0", "y: 0", "width: 1280", "height: 800"))
ROW, VISIBLE = 17, 15
"""Height of a row in pixels; the last row of the list that is seen whole when it has scrolled to a packet."""
URB, PROTOCOL, SCSI = ((11, 431 + ROW * row) for row in range(3))
"""Where a layer of a packet is opened. ``PROTOCOL`` is the third row: USB Mass Storage, or wslusb."""
DIALOG = ["search", "--onlyvisible", "--name", "Expert", "windowmove", "140", "190", "windowsize", "1000", "480"]
COMMANDS = "usbms.dCBWTag && usb.urb_type == 'S' || usb.urb_type == 'C' && usb.urb_status != 0 || frame.comment"


@dataclass(frozen=True)
class Picture:
    """``select`` is the packet whose tree is shown, with so many below it. ``clicks`` are where to, in this order."""

    name: str
    filter: str
    select: int
    clicks: Sequence[tuple[int, int]] = ()
    below: int = 0
    expert: bool = False


def capture() -> bytes:
    """The page's story, on two machines, with the page's own plan of faults."""
    plan = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    wslusb = [sys.executable, "-m", "wslusb"]
    with Rig.uml_pair() as rig:
        stick, faults, target = (rig.shared / name for name in ("stick.img", "plan.toml", "stick.pcapng"))
        faults.write_text(plan, encoding="utf-8")
        stick.write_bytes(bytes(16 << 20))
        subprocess.run(["mkfs.ext2", "-q", "-b", "1024", str(stick)], check=True)
        device = f"emulator:storage:file={stick}"
        rig.host.start([*wslusb, "serve", "--device", device, "--faults", faults]).wait_for_output("serving ", 60)
        rig.host.run([*wslusb, "bind", "9-1"])
        rig.guest.start([*wslusb, "agent"]).wait_for_output("connected to ", 60)
        running = rig.host.start([*wslusb, "capture", "9-1", "-o", target])
        rig.host.wait_until(f"[ -s {target} ]", 30)
        disk = rig.guest.run([*wslusb, "attach", "9-1"]).stdout.split()[0]
        rig.guest.run(f"! mount {disk} /mnt")
        running.kill(signal.SIGINT)
        running.wait()
        return target.read_bytes()


def numbers(path: Path, display_filter: str) -> list[int]:
    """The packets that a filter finds."""
    command = ["tshark", "-r", str(path), "-Y", display_filter, "-T", "fields", "-e", "frame.number"]
    return [int(line) for line in subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split()]


def pictures(path: Path) -> list[Picture]:
    """What to show of the capture."""
    overrun = numbers(path, "usb.urb_status == -75")[0]
    stall = max(number for number in numbers(path, "usb.urb_status == -32") if number < overrun)
    read = max(number for number in numbers(path, "scsi_sbc.opcode == 0x28") if number < stall)
    since = f"frame.number >= {read - 1}"
    return [
        Picture("reads", COMMANDS, read, (SCSI, PROTOCOL), 9),
        Picture("stall", f"usb && {since}", stall, (URB,), 9),
        Picture("both", since, overrun + 1, (PROTOCOL,), 3),
        Picture("expert", since, read - 1, ((162, 248), (162, 231)), expert=True),
    ]


def shoot(path: Path, picture: Picture) -> None:
    """Start Wireshark, do what the picture says, and keep what is on the screen."""
    rows = numbers(path, picture.filter)
    last = rows.index(picture.select) + picture.below
    clicks = [(600, 120 + ROW * (min(last, VISIBLE) - picture.below)), *picture.clicks]
    command = ["wireshark", "-C", "wslusb", "-r", str(path), "-Y", picture.filter, "-g", str(rows[last])]
    with subprocess.Popen(command + ["-z", "expert"] * picture.expert) as program:
        subprocess.run(["xdotool", "search", "--sync", "--onlyvisible", "--name", path.name], check=True)
        still()
        if picture.expert:
            subprocess.run(["xdotool", *DIALOG], check=True)
        for x, y in clicks:
            subprocess.run(["xdotool", "mousemove", str(x), str(y), "click", "1", "sleep", "0.5"], check=True)
        subprocess.run(["xdotool", "mousemove", "1279", "799"], check=True)
        (PICTURES / f"{picture.name}.png").write_bytes(still())
        program.terminate()


def still() -> bytes:
    """The screen, with few colours, as soon as nothing moves on it."""
    seen = [b"", b"x"]
    while len(set(seen[-3:])) > 1:
        time.sleep(0.7)
        seen.append(subprocess.run(["import", "-window", "root", "png:-"], stdout=subprocess.PIPE, check=True).stdout)
    return subprocess.run(["pngquant", "--strip", "32", "-"], input=seen[-1], stdout=subprocess.PIPE, check=True).stdout


def main() -> None:
    """All of them, with the settings of docs/pictures/profile."""
    captured = capture()
    with tempfile.TemporaryDirectory() as home:
        path, settings = Path(home, "stick.pcapng"), Path(home, ".config", "wireshark")
        plugins = Path(home, ".local/lib/wireshark/plugins")
        shutil.copytree(PICTURES / "profile", settings / "profiles" / "wslusb")
        plugins.mkdir(parents=True)
        (plugins / "wslusb.lua").write_text(dissector(), encoding="utf-8")
        (settings / "recent_common").write_text(f"{WINDOW}privs.warn_if_elevated: FALSE\n", encoding="utf-8")
        path.write_bytes(captured)
        os.environ |= {"HOME": home, "XDG_CONFIG_HOME": str(settings.parent), "XDG_RUNTIME_DIR": home}
        command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as screen:
            os.environ["DISPLAY"] = f":{screen.stdout.readline().strip()}" if screen.stdout else ""
            for picture in pictures(path):
                shoot(path, picture)
            screen.terminate()


if __name__ == "__main__":
    main()
