"""Rough stand-ins for `wslusb serve` and `wslusb agent` (until the CLI is there): run inside the machines."""

import logging, os, sys, threading, time
def experiment():
    if os.environ.get("FAST"):
        sys.path.insert(0, "/tmp"); import fastlock; fastlock.install()
    if os.environ.get("RAW"):
        sys.path.insert(0, "/tmp"); import rawdev; rawdev.install()
    if os.environ.get("STAMP"):
        sys.path.insert(0, "/tmp"); import stamp; stamp.install()
    if os.environ.get("NOGC"):
        import gc; gc.freeze(); gc.disable()
from pathlib import Path

logging.basicConfig(level=logging.INFO, format="%(relativeCreated)d %(message)s")


def serve(serial, port="89469986"):
    from wslusb.device.registry import load_provider
    from wslusb.host.catalog import Catalog
    from wslusb.host.bindings import Bindings
    from wslusb.host.service import Service
    from wslusb.transport import address, sockets

    import wslusb.device.provider, wslusb.device.libusb
    p = load_provider("libusb"); experiment()
    s = Service(Catalog([p], Bindings(Path(f"/tmp/b-{serial}.json"))), [sockets.listen(address.parse(f"vsock::{port}"))])
    s.start()
    for i in p.devices():
        if i.serial == serial:
            print(s.bind(i.busid), flush=True)
    print("READY", flush=True)
    time.sleep(1000)


def agent(port="89469986"):
    from wslusb.guest.agent import Agent
    from wslusb.guest.vhci import Vhci
    from wslusb.transport import address

    experiment()
    a = Agent(address.parse(f"vsock:2:{port}"), Vhci())
    threading.Thread(target=a.run, daemon=True).start()
    while True:
        try:
            a.client
            break
        except Exception:
            time.sleep(0.05)
    for d in a.devices():
        print(a.attach(d.info.busid)[1], flush=True)
    print("READY", flush=True)
    time.sleep(1000)


serve(*sys.argv[2:]) if sys.argv[1] == "serve" else agent(*sys.argv[2:])
