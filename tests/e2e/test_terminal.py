"""`hadal chat` on a pseudo-terminal: keys, history, signals, pasted text.

What the program understood is read from the conversation that /save writes.
"""

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from harness import ENVIRONMENT, NANO, PROGRAM, ProgramTest, main

LEFT, RIGHT, UP, DOWN = b"\x1b[D", b"\x1b[C", b"\x1b[A", b"\x1b[B"
HOME, END, BACKSPACE = b"\x01", b"\x05", b"\x7f"
CTRL_C, CTRL_D = b"\x03", b"\x04"
PASTE_BEGIN, PASTE_END = b"\x1b[200~", b"\x1b[201~"
PASTE_MARKS_ON, PASTE_MARKS_OFF = b"\x1b[?2004h", b"\x1b[?2004l"


class Chat:
    """The program with a terminal of its own."""

    def __init__(self, folder, *arguments, columns=80):
        self.main, terminal = os.openpty()
        self.resize(columns)
        self.output = b""
        self.seen = 0
        self.process = subprocess.Popen(
            [PROGRAM, "chat", "--model", NANO, *arguments],
            stdin=terminal, stdout=terminal, stderr=terminal,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env=ENVIRONMENT | {
                "HADAL_HISTORY": str(folder / "history"),
                "TERM": "xterm", "LANG": "C"})
        os.close(terminal)
        self.wait_for_prompt()

    def resize(self, columns, rows=24):
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, size)

    def read(self, seconds):
        """Adds what the program writes within that time; False at its end."""
        if not select.select([self.main], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.main, 65536)
        except OSError:  # Linux: nobody holds the other side any more
            data = b""
        self.output += data
        return bool(data)

    def wait(self, text, seconds=30):
        """Waits until `text` comes behind what an earlier wait() has seen."""
        end = time.monotonic() + seconds
        while (at := self.output.find(text, self.seen)) < 0:
            if not self.read(0.1) or time.monotonic() > end:
                raise AssertionError(
                    f"{text!r} has not come: {self.output[self.seen:]!r}")
        self.seen = at + len(text)

    def wait_for_prompt(self):
        """Until then keys would go to the terminal's own line editing."""
        self.wait(PASTE_MARKS_ON)
        self.wait(b"> ")

    def type(self, *keys):
        for key in keys:
            os.write(self.main, key if isinstance(key, bytes)
                     else key.encode())

    def say(self, *keys):
        """A message; waits until it is answered."""
        self.type(*keys, "\r")
        self.wait(b"hadal: prompt")
        self.wait_for_prompt()

    def messages(self, folder):
        """The conversation so far."""
        file = folder / "saved.json"
        self.type(f"/save {file}\r")
        self.wait_for_prompt()
        return json.loads(file.read_text())["messages"]

    def leave(self):
        self.type(CTRL_D)
        end = time.monotonic() + 30
        while self.read(1) and time.monotonic() < end:
            pass
        os.close(self.main)
        return self.process.wait(timeout=30)


class Terminal(ProgramTest):
    def setUp(self):
        super().setUp()
        try:
            for fd in os.openpty():
                os.close(fd)
        except OSError as error:
            raise unittest.SkipTest(f"no pseudo-terminal: {error}")

    def chat(self, *arguments, max_tokens="4", **settings):
        chat = Chat(self.folder, "--max-tokens", max_tokens, *arguments,
                    **settings)

        def end():
            chat.process.kill()
            chat.process.wait()
        self.addCleanup(end)
        return chat

    def said(self, chat):
        return [m["content"] for m in chat.messages(self.folder)
                if m["role"] == "user"]

    def test_keys_edit_the_line(self):
        chat = self.chat()
        chat.say("bd", LEFT, "c", HOME, "a", RIGHT, RIGHT, BACKSPACE, END, "e")
        # One backspace takes one character, however many bytes it has.
        chat.say("naïve 狐🦊", BACKSPACE, BACKSPACE, LEFT, LEFT, LEFT,
                 BACKSPACE, "i")
        self.assertEqual(self.said(chat), ["abde", "naive "])
        self.assertEqual(chat.leave(), 0)

    def test_history_goes_up_and_down_and_is_kept(self):
        chat = self.chat()
        chat.say("one")
        chat.say("two")
        chat.say(UP, UP, "!")
        chat.say(UP, UP, DOWN, "?")
        self.assertEqual(self.said(chat), ["one", "two", "one!", "one!?"])
        self.assertEqual(chat.leave(), 0)
        self.assertEqual((self.folder / "history").stat().st_mode & 0o077, 0)
        again = self.chat()
        again.say(UP, UP, UP, UP)
        self.assertEqual(self.said(again), ["two"])

    def test_ctrl_c_stops_an_answer_and_keeps_its_text(self):
        # Without its end token the answer would fill the context.
        chat = self.chat("--logit-bias", "1=-100", max_tokens="1000000")
        chat.type("Tell me a story\r")
        chat.wait(b" was ")
        chat.type(CTRL_C)
        chat.wait(b"hadal: prompt")
        chat.wait_for_prompt()
        messages = chat.messages(self.folder)
        self.assertEqual([m["role"] for m in messages], ["user", "assistant"])
        self.assertIn(" was ", messages[1]["content"])
        self.assertEqual(chat.leave(), 0)

    def test_ctrl_c_drops_the_line_and_does_not_leave(self):
        chat = self.chat()
        for _ in range(3):
            chat.type("not this", CTRL_C)
            chat.wait_for_prompt()
        chat.say("this")
        self.assertEqual(self.said(chat), ["this"])
        self.assertEqual(chat.leave(), 0)

    def test_termination_leaves(self):
        chat = self.chat()
        chat.type("half a line")
        chat.wait(b"half a line")
        chat.process.terminate()
        self.assertEqual(chat.process.wait(timeout=30), 0)

    def test_pasted_lines_are_one_message(self):
        chat = self.chat()
        chat.say("a ", PASTE_BEGIN, "first 狐\rsecond\n\tthird\r", PASTE_END,
                 " b")
        self.assertEqual(self.said(chat), ["a first 狐\nsecond\n\tthird b"])
        chat.say(UP, UP)  # above the command to save
        self.assertEqual(self.said(chat)[1], self.said(chat)[0])
        self.assertEqual(chat.leave(), 0)
        marks = (PASTE_MARKS_ON, PASTE_MARKS_OFF)
        self.assertEqual(*(chat.output.count(mark) for mark in marks))

    def test_a_line_longer_than_the_window(self):
        chat = self.chat(columns=20)
        text = "a message that needs more than one row of the window"
        chat.type(text)
        chat.wait(b"window")
        chat.type(HOME, "This is ")
        # The rows change while it is being written.
        chat.resize(33)
        chat.wait(b"\x1b[J")
        chat.say(END, ".")
        self.assertEqual(self.said(chat), ["This is " + text + "."])
        self.assertEqual(chat.leave(), 0)

    def test_editing_goes_on_after_a_stop(self):
        chat = self.chat()
        chat.type("behind")
        chat.wait(b"behind")
        settings = termios.tcgetattr(chat.main)
        self.assertFalse(settings[3] & termios.ICANON)
        os.kill(chat.process.pid, signal.SIGSTOP)
        os.waitpid(chat.process.pid, os.WUNTRACED)
        # As a shell does that takes the terminal meanwhile.
        settings[3] |= termios.ICANON | termios.ECHO
        termios.tcsetattr(chat.main, termios.TCSANOW, settings)
        os.kill(chat.process.pid, signal.SIGCONT)
        chat.wait(b"behind")
        chat.say(HOME, "before ")
        self.assertEqual(self.said(chat), ["before behind"])
        self.assertEqual(chat.leave(), 0)


if __name__ == "__main__":
    main()
