"""A post office for tests: an SMTP server on a loopback port (RFC 5321, as much as a client needs) that keeps what it is handed."""

import base64
import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage


class PostOffice(socketserver.ThreadingTCPServer):
    """Keeps letters; refuses the first `refusals` of them for now (451), as a busy server does."""

    daemon_threads = True

    def __init__(self, login: tuple[str, str] | None = None, refusals: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.letters: list[EmailMessage] = []
        self.login = login
        self.refusals = refusals

    @property
    def url(self) -> str:
        user = f"{self.login[0]}@" if self.login else ""
        return f"smtp://{user}127.0.0.1:{self.server_address[1]}"


class _Conversation(socketserver.StreamRequestHandler):
    server: PostOffice

    def handle(self) -> None:
        self._say("220 post office")
        is_known = self.server.login is None
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "EHLO":
                self._say("250-post office", "250 AUTH PLAIN" if self.server.login else "250 OK")
            elif word == "AUTH":
                given = tuple(base64.b64decode(line.split()[2]).decode().split("\0")[1:])
                is_known = given == self.server.login
                self._say("235 known" if is_known else "535 unknown")
            elif word == "DATA" and is_known:
                self._say("354 go on")
                self._keep()
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 OK" if is_known else "530 who are you?")

    def _keep(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        if self.server.refusals:
            self.server.refusals -= 1
            self._say("451 later")
            return
        letter = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        assert isinstance(letter, EmailMessage)
        self.server.letters.append(letter)
        self._say("250 kept")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def post_office(login: tuple[str, str] | None = None, refusals: int = 0) -> Iterator[PostOffice]:
    """Open for the block."""
    with PostOffice(login, refusals) as office:
        threading.Thread(target=office.serve_forever, args=(0.05,), daemon=True).start()
        yield office
        office.shutdown()
