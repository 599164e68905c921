"""Programs that run in a terminal, and somebody who types; and what stands there instead of a browser."""

import http.client
import os
import pty
import select
import time
import urllib.parse

from outside import Machine, eventually


class Terminal:
    """A program in a terminal of its own, and somebody who types."""

    def __init__(self, machine: Machine, *words: str, **extra: str) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(machine.home)
            os.execvpe(words[0], list(words), machine.environment | {"TERM": "dumb"} | extra)
        self.seen = ""

    def expect(self, words: str, seconds: float = 15.0) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.terminal], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.terminal, 4096).decode(errors="replace")
                except OSError:
                    break
        assert words in self.seen, self.seen

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def end(self) -> int:
        while True:
            try:
                data = os.read(self.terminal, 4096)
            except OSError:
                break
            if not data:
                break
            self.seen += data.decode(errors="replace")
        _, waited = os.waitpid(self.pid, 0)
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(waited)


class FakeBrowser:
    """A program that is opened instead of a browser, and leaves the address it was given in a file."""

    def __init__(self, machine: Machine) -> None:
        self.opened = machine.home / "opened"
        program = machine.home / "browser"
        program.write_text(f'#!/bin/sh\nprintf %s "$1" > {self.opened}.part && mv {self.opened}.part {self.opened}\n')
        program.chmod(0o755)
        self.variables = {"BROWSER": str(program), "SSH_CONNECTION": "", "SSH_TTY": "", "SSH_CLIENT": ""}

    def address(self) -> str:
        eventually(self.opened.exists)
        return self.opened.read_text()


def answer_redirect(location: str) -> int:
    """Follow a redirect to the loopback interface, as a browser would; give the status."""
    parts = urllib.parse.urlsplit(location)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    status = connection.getresponse().status
    connection.close()
    return status
