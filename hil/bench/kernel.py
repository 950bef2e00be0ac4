"""Rough."""

import json, re, statistics, sys, time
from hil.vm.rig import Rig

PY = sys.executable
import os; ENV = {k: v for k, v in os.environ.items() if k in ("FAST", "EXP")}


def dd(machine, disk, bs, count, write=False):
    how = f"if=/dev/zero of={disk} oflag=direct" if write else f"if={disk} of=/dev/null iflag=direct"
    out = machine.run(f"dd {how} bs={bs} count={count}", timeout=60).output
    m = re.search(r"(\d+) bytes.*, ([\d.e-]+) s,", out)
    return int(m[1]) / float(m[2]) / 1e6


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    t0 = time.time()
    with Rig.uml_pair() as rig:
        H, G = rig.host, rig.guest
        for s in ("AA01", "BB02", "CC03", "DD04"):
            H.python("-m", "hil.gadgets", "mass-storage", "--size", "32M", "--serial", s)
        for s in ("AA01", "BB02", "CC03", "DD04"):
            H.python("-m", "hil.bench.locate", s)
        print("gadgets", time.time() - t0)
        with (
            H.start([PY, "-m", "hil.bench.endpoints", "serve", "AA01"], env=ENV) as sv,
            G.start([PY, "-m", "hil.bench.endpoints", "agent"], env=ENV) as ag,
        ):
            sv.wait_for_output("READY")
            ag.wait_for_output("READY")
            for serial, addr, imp, where in (
                ("BB02", "vsock:7001", "vsock:2:7001", G),
                ("CC03", "tcp:7002", "tcp:7002", H),
            ):
                with H.start([PY, "-m", "hil.bench.usbip", "export", serial, addr]) as ex:
                    devid = ex.wait_for_output(r"ready (\d+)")[1]
                    where.python("-m", "hil.bench.usbip", "import", imp, devid)
                    ex.wait(20)
            C = {
                "wslusb": (G, "AA01", True),
                "usbip-vsock": (G, "BB02", True),
                "usbip-tcp": (H, "CC03", True),
                "direct": (H, "DD04", False),
            }
            if "--two" in sys.argv:
                C = {k: C[k] for k in ("wslusb", "usbip-vsock")}
            nodes = {}
            for name, (m, s, i) in C.items():
                nodes[name] = json.loads(m.python("-m", "hil.bench.locate", s, *(["--imported"] if i else [])).stdout)
            print("attached", time.time() - t0, nodes)
            measures = {
                "read 1 MiB MB/s": lambda m, x: dd(m, x["disk"], "1M", 24),
                "write 1 MiB MB/s": lambda m, x: dd(m, x["disk"], "1M", 24, True),
                "read 4 KiB MB/s": lambda m, x: dd(m, x["disk"], "4k", 256),
                "GET_STATUS us": lambda m, x: float(m.python("-m", "hil.bench.latency", x["usb"], "300").stdout),
            }
            R = {k: {c: [] for c in C} for k in measures}
            for r in range(-1, n):
                for k, f in measures.items():
                    for c, (m, _, _) in C.items():
                        v = f(m, nodes[c])
                        if r >= 0:
                            R[k][c].append(v)
            print(f"{'':18}" + "".join(f"{c:>14}" for c in C) + "   wslusb/usbip-vsock (of medians, of pairs)")
            for k, row in R.items():
                med = {c: statistics.median(v) for c, v in row.items()}
                pair = statistics.median(a / b for a, b in zip(row["wslusb"], row["usbip-vsock"]))
                print(
                    f"{k:18}"
                    + "".join(f"{med[c]:14.2f}" for c in C)
                    + f"   {med['wslusb'] / med['usbip-vsock']:.2f} {pair:.2f}"
                )
            print(f"{time.time() - t0:.1f} s")
            if "-v" in sys.argv:
                print(sv.output, ag.output)


if __name__ == "__main__":
    main()
