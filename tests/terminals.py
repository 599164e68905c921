"""Programs that run in a terminal, and somebody who types."""

import os
import pty
import select
import time

from outside import Machine


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
