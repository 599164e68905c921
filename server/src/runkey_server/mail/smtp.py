"""Hands one letter to an SMTP server, by the standard library's client. A password goes over an encrypted
connection, or to this computer.
"""

import smtplib
import ssl
import urllib.parse
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

_SECONDS = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Smtp:
    """Where letters are handed over. url: `smtp://[USER@]HOST:PORT` (STARTTLS where the server has it) or `smtps://…`."""

    url: str
    sender: str
    password: str | None = field(default=None, repr=False)

    def send(self, to: str, subject: str, text: str) -> None:
        """Hand one letter over. Raises OSError or smtplib.SMTPException when that cannot be done now."""
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = self.sender, to, subject
        letter["Date"] = formatdate()
        letter["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        # Nobody answers it, and no robot should: RFC 3834 section 5.
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(text)
        with self._connected() as server:
            server.send_message(letter)

    def _connected(self) -> smtplib.SMTP:
        parts = urllib.parse.urlsplit(self.url)
        host = parts.hostname or ""
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if parts.scheme == "smtps":
            server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=_SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, parts.port or 587, timeout=_SECONDS)
        try:
            server.ehlo()
            is_safe = parts.scheme == "smtps" or host in _LOOPBACK
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
                is_safe = True
            if parts.username and self.password:
                if not is_safe:
                    raise smtplib.SMTPNotSupportedError("it offers no encryption, so no password is sent to it")
                server.login(urllib.parse.unquote(parts.username), self.password)
        except BaseException:
            server.close()
            raise
        return server
