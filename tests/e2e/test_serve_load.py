"""A short run of tools/server/load_test.py; the long one is by hand."""

import subprocess
import sys

from harness import SOURCE, ProgramTest, main


class Load(ProgramTest):
    def run_load(self, *flags):
        done = subprocess.run([sys.executable, str(SOURCE / "tools" / "server" / "load_test.py"), *flags],
                              capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    # More clients than places in the batch, so that everybody waits in the queue.
    # So short a run starts with empty caches: memory may still grow.
    def test_many_clients(self):
        self.run_load("--clients", "48", "--seconds", "8", "--memory-share", "0.5")

    def test_kill_in_the_middle(self):
        self.run_load("--clients", "48", "--seconds", "6", "--kill", "--memory-share", "0.5")


if __name__ == "__main__":
    main()
