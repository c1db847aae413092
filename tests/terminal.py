"""A program in a terminal of its own, as a clerk sits before it. POSIX only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 60.0
"""Seconds without the awaited text, or without the end, after which a test fails: a program that only goes on
drawing its progress would be waited for forever."""


class Terminal:
    """A program in a terminal of its own. ``expect`` reads on until the text comes; it must come."""

    def __init__(self, *command: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "INPUTRC": os.devnull}
        self._process = subprocess.Popen(
            [sys.executable, *command], stdin=slave, stdout=slave, stderr=slave, env=environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._unread = ""
        self.screen = ""

    def expect(self, text: str) -> str:
        """Everything up to and with ``text``."""
        pending, until = b"", time.monotonic() + PATIENCE
        while text not in self._unread:
            ready, _, _ = select.select([self._master], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"waited in vain for {text!r} after:\n{self.screen}"
            try:
                data = os.read(self._master, 65536)
            except OSError:  # Linux: the other end is closed
                data = b""
            assert data, f"the program ended before {text!r}:\n{self.screen}"
            pending += data
            with contextlib.suppress(UnicodeDecodeError):
                new = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", pending.decode())
                self._unread += new
                self.screen += new
                pending = b""
        before, _, self._unread = self._unread.partition(text)
        return before + text

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def answer(self, question: str, text: str) -> str:
        """Wait for the question and its prompt, then type the answer and Enter; what stood on the screen."""
        shown = (self.expect(question) if question else "") + self.expect("  > ")
        self.type(text + "\n")
        return shown

    def interrupt(self) -> int:
        """Ctrl-C, pressed again where the line editor was just being set up and missed it; the exit code."""
        for _ in range(60):
            self.type("\x03")
            if select.select([self._master], [], [], 1)[0]:
                break
        return self.ends()

    def ends(self) -> int:
        """The exit code."""
        until = time.monotonic() + PATIENCE
        while True:
            ready, _, _ = select.select([self._master], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"the program does not end:\n{self.screen}"
            try:
                data = os.read(self._master, 65536)
            except OSError:
                break
            if not data:
                break
            self.screen += data.decode(errors="replace")
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        os.close(self._master)
