#!/usr/bin/env python3
"""Writes src/text/unicode_class_ranges.inc, the pre-tokenizer's class table.

Usage: tools/make_unicode_classes.py [--check]

Reads tests/data/tokenizer/unicode16_classes.txt (Unicode 16, measured from the
reference implementation) and marks the ranges of the pre-tokenizer's second
pattern as CJK. With --check nothing is written, and the exit status says
whether the committed file is what would be written.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "tests/data/tokenizer/unicode16_classes.txt"
TARGET = ROOT / "src/text/unicode_class_ranges.inc"

NAMES = {"L": "kLetter", "N": "kNumber", "P": "kPunctuation", "W": "kSpace"}
CJK = [(0x3040, 0x30FF), (0x4E00, 0x9FA5)]


def read_classes():
    """(first, last, class letter), sorted and disjoint."""
    ranges = []
    for line in SOURCE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            first, last, name = line.split()
            ranges.append((int(first, 16), int(last, 16), name))
    return ranges


def flags_at(ranges, point):
    """The C++ flags of one code point, '' for none."""
    flags = [NAMES[n] for first, last, n in ranges if first <= point <= last]
    flags += ["kCjk" for first, last in CJK if first <= point <= last]
    return " | ".join(flags)


def flagged_ranges(ranges):
    """(first, last, flags): the ranges cut at the borders of CJK."""
    borders = set()
    for first, last in [r[:2] for r in ranges] + CJK:
        borders.update((first, last + 1))
    borders = sorted(borders)
    result = []
    for first, after in zip(borders, borders[1:]):
        flags = flags_at(ranges, first)
        if not flags:
            continue
        if result and result[-1][1] + 1 == first and result[-1][2] == flags:
            result[-1] = (result[-1][0], after - 1, flags)
        else:
            result.append((first, after - 1, flags))
    return result


def main():
    lines = [
        "// Made by tools/make_unicode_classes.py from Unicode 16; do not edit.",
        "// {first code point, last code point, flags}, sorted and disjoint.",
    ]
    for first, last, flags in flagged_ranges(read_classes()):
        lines.append(f"{{0x{first:04X}, 0x{last:04X}, {flags}}},")
    text = "\n".join(lines) + "\n"
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.read_text(encoding="utf-8") == text else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
