"""The virtual security key on hidraw, by hand and with libfido2's and OpenSSH's programs."""

from __future__ import annotations

from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab
from tests.kernel.support import tools


def test_ctaphid_by_hand(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("fido") as plugged:
        said = lab.run(kernel, "ctaphid", plugged.node("/dev/hidraw")).splitlines()
        assert said == [
            "init True version 2",
            "ping True",
            "wink True",
            r"cbor 63 b'\x01'",
            r"version 3 b'U2F_V2\x90\x00'",
        ]


def test_openssh_makes_a_key_and_signs_with_it(lab: Lab, kernel: UmlMachine) -> None:
    tools("ssh-keygen")
    record = lab.rig.shared / "seen"
    with lab.plug(f"fido:touch=300,record={record}") as plugged:
        node = plugged.node("/dev/hidraw")
        script = f"""
            set -e
            mkdir -p /dev/shm/ssh; cd /dev/shm/ssh; rm -f *
            ssh-keygen -q -t ecdsa-sk -N '' -O device={node} -f key
            echo signed by hand >text
            ssh-keygen -q -Y sign -f key -n file text
            echo "me $(cat key.pub)" >signers
            ssh-keygen -Y verify -f signers -I me -n file -s text.sig <text
            ! ssh-keygen -Y verify -f signers -I me -n file -s text.sig <key.pub
        """
        result = kernel.run(script)
        assert 'Good "file" signature for me' in result.output
    done = [line.split()[0] for line in record.read_text().splitlines()]
    assert done == ["register", "authenticate"]
