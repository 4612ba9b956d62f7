"""What the end-to-end tests share: running the program and small checkpoints.

HADAL is the program under test, HADAL_SOURCE the source tree; ctest sets both.
"""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["HADAL"]
SOURCE = pathlib.Path(os.environ["HADAL_SOURCE"])
NANO = SOURCE / "models" / "nano"
END = "<｜end▁of▁sentence｜>"

# Nothing of the user's own settings may decide a test.
ENVIRONMENT = {
    k: v for k, v in os.environ.items()
    if not k.startswith(("HADAL_", "HF_", "XDG_"))
}


class Outcome:
    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout.decode()
        self.err = process.stderr.decode()

    def json(self):
        return json.loads(self.out)


def hadal(*arguments, stdin=b"", environment=None, timeout=240,
          program=PROGRAM, **process):
    """Runs the program; `process` goes to subprocess.run."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return Outcome(subprocess.run(
        [program, *map(str, arguments)], input=stdin, capture_output=True,
        timeout=timeout, env=ENVIRONMENT | (environment or {}), **process))


class ProgramTest(unittest.TestCase):
    """Adds checks of how the program fails, and a folder for files."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hadal-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def expect_error(self, outcome, status, *parts):
        """One clear line on stderr, nothing on stdout, and this status."""
        self.assertEqual(outcome.status, status, outcome.err)
        self.assertEqual(outcome.out, "")
        lines = outcome.err.strip().split("\n")
        self.assertEqual(len(lines), 1, outcome.err)
        self.assertTrue(lines[0].startswith("hadal: error: "), lines[0])
        for part in parts:
            self.assertIn(str(part), lines[0])

    def copy_of_nano(self):
        """A copy whose files may be damaged."""
        copy = self.folder / "model"
        shutil.copytree(NANO, copy, ignore=shutil.ignore_patterns(
            "golden*", "skills*", "README*"))
        return copy


def read_safetensors(path):
    """(header, data) of a file."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8:8 + length]), raw[8 + length:]


def write_safetensors(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=1)
