"""Runs Python programs in forked children, because an interpreter takes a second to start in a virtual machine.

    python -m hil.zygote FIFO

A line in FIFO is the process id of who asks, and JSON: {"run": "wslusb" | "a.module" | "/path/of/a/program.py",
"arguments": [...], "env": {...}}. The child uses descriptors 8 and 9 of who asks, which are copies of its standard
output and error, and writes its exit status to FIFO.PID, from which that one reads it. :func:`asking` is who asks.
"""

from __future__ import annotations

import ctypes  # noqa: F401 - the programs beside this one want it
import importlib
import json
import os
import runpy
import select
import shlex
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wslusb.cli.program import VERBS, program

LATER = (
    "emulator", "hil.gadgets", "hil.probes.__main__", "wslusb.control.client", "wslusb.cli.options", "random", "select",
)  # fmt: skip


OUTPUT, ERROR = 8, 9
"""A shell that writes to FIFO has it as its standard output, for as long as that takes; so the child uses copies."""


def asking(fifo: str, what: str, arguments: Sequence[str], env: Mapping[str, str]) -> str:
    """The shell's commands that ask, and end as the child does."""
    request = shlex.quote(json.dumps({"run": what, "arguments": arguments, "env": dict(env)}))
    return (
        f"exec {OUTPUT}>&1 {ERROR}>&2; mkfifo {fifo}.$$; echo $$ {request} >{fifo};"
        f" read -r status <{fifo}.$$; rm {fifo}.$$; exit ${{status:-1}}"
    )


def run(what: str, arguments: list[str]) -> None:
    """Run one of the programs; it ends by SystemExit, or comes back."""
    if what == "wslusb":
        program(arguments)
        return
    sys.argv = [what, *arguments]
    if what.endswith(".py"):
        sys.path.insert(0, str(Path(what).parent))
        runpy.run_path(what, run_name="__main__")
    else:
        sys.exit(importlib.import_module(what).main(arguments))


def status_of(request: dict[str, Any]) -> int:
    """What the interpreter would have made of it."""
    os.environ.update(request["env"])
    try:
        run(request["run"], request["arguments"])
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return end.code or 0
    except BaseException:  # noqa: BLE001 - as at the end of an interpreter
        traceback.print_exc()
        return 1
    return 0


def _end_with(asker: int) -> None:
    """Whoever kills the one who asked means this process."""
    select.select([asker], [], [])
    os._exit(1)


def child(pid: str, request: dict[str, Any], answers: str) -> None:
    """Serve one request and end."""
    for number, copy in ((1, OUTPUT), (2, ERROR)):
        os.dup2(os.open(f"/proc/{pid}/fd/{copy}", os.O_WRONLY), number)
    threading.Thread(target=_end_with, args=(os.pidfd_open(int(pid)),), daemon=True).start()
    status = status_of(request)
    sys.stdout.flush()
    sys.stderr.flush()
    os.close(1)
    os.close(2)
    Path(answers).write_text(f"{status}\n")
    os._exit(0)


def main() -> None:
    """Serve for ever."""
    fifo = sys.argv[1]
    os.mkfifo(fifo)
    for name in (*LATER, *(f"wslusb.cli.{verb}" for verb in VERBS if verb not in ("serve", "agent"))):
        importlib.import_module(name)
    print("ready", flush=True)  # noqa: T201
    with open(os.open(fifo, os.O_RDWR), encoding="utf-8") as lines:  # noqa: PTH123 - never at its end
        for line in lines:
            pid, _, text = line.partition(" ")
            if os.fork() == 0:
                child(pid, json.loads(text), f"{fifo}.{pid}")
            while True:
                try:
                    if os.waitpid(-1, os.WNOHANG)[0] == 0:
                        break
                except ChildProcessError:
                    break


if __name__ == "__main__":
    main()
