"""hadal convert, killed or out of disk: the same command goes on, and the
result is byte for byte that of an undisturbed run."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
import unittest

from harness import (ENVIRONMENT, NANO, PROGRAM, ProgramTest, hadal, main)

KILLS = 20
FLAGS = ["convert", "--model", str(NANO), "--recipe", "3bit", "--shard-size",
         "1MB"]


def files(directory):
    return {p.name: p.read_bytes() for p in directory.iterdir()}


def same(case, one, other):
    """Equal names and bytes; names what differs."""
    one, other = files(one), files(other)
    case.assertEqual(sorted(one), sorted(other))
    case.assertEqual([n for n in one if one[n] != other[n]], [])


def start(out):
    return subprocess.Popen([PROGRAM, *FLAGS, "--out", str(out)],
                            stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, env=ENVIRONMENT)


class Resume(ProgramTest):
    def setUp(self):
        super().setUp()
        self.whole = self.folder / "whole"
        begun = time.monotonic()
        self.assertEqual(hadal(*FLAGS, "--out", self.whole).status, 0)
        self.seconds = time.monotonic() - begun

    def test_killed_at_random_moments(self):
        seed = int(os.environ.get("HADAL_TEST_SEED", "1"))
        moments = random.Random(seed)
        out = self.folder / "killed"
        kills = 0
        finished = 0
        while kills < KILLS:
            process = start(out)
            time.sleep(moments.uniform(0, self.seconds))
            process.send_signal(signal.SIGKILL)
            status = process.wait()
            process.stderr.close()
            if status == -signal.SIGKILL:
                kills += 1
            else:
                # It was faster than the signal: compare, and begin anew.
                same(self, out, self.whole)
                shutil.rmtree(out)
                finished += 1
            if out.exists() and not (out / "hadal-manifest.json").exists():
                self.assertNotEqual(
                    hadal("inspect", "--model", out).status, 0,
                    "an unfinished output must not look whole")
        self.assertEqual(hadal(*FLAGS, "--out", out).status, 0)
        same(self, out, self.whole)

    def interrupted(self, model, out):
        """The command of a conversion that wrote some files and then ended: no
        file may be larger than 1 MB, and the last layer's experts are."""
        recipe = self.folder / "own.json"
        recipe.write_text(json.dumps({"recipe": "own", "rules": [
            {"match": "layers.6.ffn.experts.*", "format": "bf16"},
            {"match": "*", "format": "affine", "bits": 2}]}))
        command = ["convert", "--model", model, "--recipe", recipe,
                   "--quantiser", "plain", "--shard-size", "600KB", "--out",
                   out]

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

        ended = hadal(*command, preexec_fn=limit)
        self.assertEqual(ended.status, 1, ended.err)
        self.assertTrue(list(out.glob("model-*.safetensors")))
        self.assertFalse((out / "config.json").exists())
        return command

    def test_goes_on_where_it_ended(self):
        out = self.folder / "out"
        command = self.interrupted(NANO, out)
        again = hadal(*command)
        self.assertEqual(again.status, 0, again.err)
        self.assertRegex(again.err, "[1-9][0-9]* of them from before")
        whole = self.folder / "undisturbed"
        self.assertEqual(hadal(*command[:-1], whole).status, 0)
        same(self, out, whole)

    def test_a_source_that_changed_is_another_conversion(self):
        model = self.copy_of_nano()
        out = self.folder / "out"
        command = self.interrupted(model, out)
        shard = model / "model-00001-of-00002.safetensors"
        raw = bytearray(shard.read_bytes())
        raw[-1000] ^= 1
        shard.write_bytes(raw)
        self.expect_error(hadal(*command), 2, "source has changed")
        self.expect_error(
            hadal("convert", "--model", model, "--recipe", "2bit", "--out", out),
            2, "unfinished conversion")


class DiskFull(ProgramTest):
    """On a file system of a few megabytes, where the system lets us make one."""

    SCRIPT = r"""
set -e
mount -t tmpfs -o size=24m tmpfs "$DISK"
head -c 16000000 /dev/zero > "$DISK/filler"
! "$@" --out "$DISK/out" 2> "$DISK/../first"
test ! -e "$DISK/out/config.json"
rm "$DISK/filler"
# Enough at the start, full while it runs. A run that ends before the disk is
# full is done again.
for attempt in 1 2 3 4 5 6 7 8; do
  "$@" --out "$DISK/out" 2> "$DISK/../second" &
  while ! ls "$DISK"/out/model-*.safetensors > /dev/null 2>&1; do
    kill -0 $! 2> /dev/null || break
  done
  # Takes what is left; running into the end of the disk is the point.
  ! head -c 30000000 /dev/zero > "$DISK/filler" 2> /dev/null
  if ! wait $!; then
    test ! -e "$DISK/out/config.json"
    echo full
    rm "$DISK/filler"
    break
  fi
  rm -r "$DISK/filler" "$DISK/out"
done
"$@" --out "$DISK/out" 2> "$DISK/../third"
cp -r "$DISK/out" "$DISK/../copy"
"""

    def test_clear_error_and_the_command_goes_on(self):
        disk = self.folder / "disk"
        disk.mkdir()
        namespace = ["unshare", "-m"] if os.geteuid() == 0 \
            else ["unshare", "-rm"]
        if shutil.which("unshare") is None or subprocess.run(
                [*namespace, "mount", "-t", "tmpfs", "tmpfs", str(disk)],
                capture_output=True).returncode != 0:
            raise unittest.SkipTest("this system lets us mount no tmpfs")
        done = subprocess.run(
            [*namespace, "bash", "-c", self.SCRIPT, "-", PROGRAM, *FLAGS],
            env=ENVIRONMENT | {"DISK": str(disk)}, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        first = (self.folder / "first").read_text()
        self.assertIn("make space", first)
        self.assertIn(b"full", done.stdout, "the disk never filled in time")
        self.assertIn("make space", (self.folder / "second").read_text())
        whole = self.folder / "whole"
        self.assertEqual(hadal(*FLAGS, "--out", whole).status, 0)
        same(self, self.folder / "copy", whole)


if __name__ == "__main__":
    main()
