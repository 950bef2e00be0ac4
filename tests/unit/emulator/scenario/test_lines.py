"""emulator.scenario.lines: where keys are, whatever stands between them."""

from __future__ import annotations

from emulator.scenario.lines import line_of, lines

TEXT = '''\
a = 1
"b c".d = [ # [
    "]", 'x = 1',
    { e = """
f = 2
"""},
]
g = "\\"]"
[h]
i = 3
[[j]]
[[j]]
k = 4
[[j.l]]
[j.l.m]
n = 5
[[j]]
[[j.l]]
o = 6
'''


def test_keys_and_tables_have_their_lines() -> None:
    assert lines(TEXT) == {
        ("a",): 1,
        ("b c", "d"): 2,
        ("g",): 8,
        ("h",): 9,
        ("h", "i"): 10,
        ("j",): 11,
        ("j", 0): 11,
        ("j", 1): 12,
        ("j", 1, "k"): 13,
        ("j", 1, "l"): 14,
        ("j", 1, "l", 0): 14,
        ("j", 1, "l", 0, "m"): 15,
        ("j", 1, "l", 0, "m", "n"): 16,
        ("j", 2): 17,
        ("j", 2, "l"): 18,
        ("j", 2, "l", 0): 18,
        ("j", 2, "l", 0, "o"): 19,
    }


def test_what_has_no_line_has_that_of_what_it_is_in() -> None:
    found = lines(TEXT)
    assert line_of(("b c", "d", 1, "e"), found) == 2
    assert line_of(("j", 1, "missing"), found) == 12
    assert line_of(("nothing",), found) is None
