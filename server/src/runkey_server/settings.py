"""Every setting of the server once: name, type, default, one sentence. Only `app`, `cli` and `testing` import it."""

import ipaddress
import re
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from runkey_server.errors import Error
from runkey_wire import limits

DEFAULT_LISTEN = "127.0.0.1:8080"
DEFAULT_DATA = "runkey-data"

SignUp = Literal["open", "invitation", "closed"]


@dataclass(frozen=True)
class AnonymousLimits:
    """How much, and how long."""

    runs: int = 100
    megabytes: int = 200
    days: int = 14


@dataclass(frozen=True)
class Settings:
    """What an operator decides."""

    data: Path = Path(DEFAULT_DATA)
    """The one folder that holds everything: database, files, secrets."""

    listen_host: str = "127.0.0.1"
    """The address to listen on."""

    listen_port: int = 8080
    """The port to listen on."""

    public_url: str | None = None
    """Where people and machines reach this server; unset, the listen address. The only source of links and of the issuer."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose X-Forwarded-For is believed."""

    tls_cert: Path | None = None
    """Certificate chain (PEM) to serve https without a proxy."""

    tls_key: Path | None = None
    """Its private key (PEM)."""

    workers: int = 1
    """Worker processes."""

    sign_up: SignUp | None = None
    """Who may make an account: anybody ("open"), whoever holds an invitation, nobody ("closed"); unset, closed but on loopback."""

    allow_anonymous: bool | None = None
    """Whether runs may be logged without an account; unset, on loopback only."""

    anonymous_limits: AnonymousLimits = AnonymousLimits()
    """What an account without a name may keep, and for how long."""

    max_file_bytes: int | None = None
    """The largest file that a run may save; unset, the largest that there may be at all."""

    max_project_bytes: int | None = None
    """What the files of a project may take together; unset, what the disk has."""

    max_account_bytes: int | None = None
    """What the files of all projects of an account may take together; unset, what the disk has."""

    smtp_url: str | None = None
    """Where mail is handed over: smtp://[USER@]HOST:PORT or smtps://…; unset, none is sent."""

    smtp_password: str | None = field(default=None, repr=False)
    """The password of that user; read from a file, so that it is seen in no list of processes."""

    mail_from: str | None = None
    """The sender of that mail."""

    database_url: str | None = field(default=None, repr=False)
    """Set by tests only: a database other than DATA/runkey.db."""

    reserve_bytes: int = 16 * 1024 * 1024
    """Set by tests only: what is kept of the disk for signing in and revoking when it is full."""

    @property
    def sqlalchemy_url(self) -> str:
        """The database, as SQLAlchemy writes it."""
        return self.database_url or f"sqlite:///{self.data / 'runkey.db'}"

    @property
    def base_url(self) -> str:
        """The public URL, or the listen address as one; never with a slash at its end."""
        if self.public_url:
            return self.public_url
        scheme = "https" if self.tls_cert else "http"
        host = f"[{self.listen_host}]" if ":" in self.listen_host else self.listen_host
        return f"{scheme}://{host}:{self.listen_port}"


def parse_listen(text: str) -> tuple[str, int]:
    """Read HOST:PORT, [IPV6]:PORT or :PORT. Raises Error `invalid`."""
    host, colon, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise Error("invalid", f"--listen {text!r} is not HOST:PORT, for example {DEFAULT_LISTEN}.")
    return host, int(port)


def parse_public_url(text: str) -> str:
    """Check and normalise the public URL: http or https, a host, no path, no query. Raises Error `invalid`."""
    parts = urllib.parse.urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or port == -1:
        raise Error("invalid", f"--public-url {text!r} is not an address such as https://track.example.org.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise Error("invalid", f"--public-url {text!r} has a path: the server answers at the root of a host name.")
    host = parts.netloc.lower()
    if port in (None, {"http": 80, "https": 443}[parts.scheme]):
        # As browsers write it in Origin and Host: compared to the letter, the longer spelling would be another server.
        host = re.sub(r":\d*$", "", host)
    return f"{parts.scheme}://{host}"


def parse_limits(text: str) -> AnonymousLimits:
    """Read RUNS,MB,DAYS. Raises Error `invalid`."""
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() and 0 < int(part) < 10**9 for part in parts):
        raise Error("invalid", f"--anonymous-limits {text!r} is not RUNS,MB,DAYS: three whole numbers above 0, for example 100,200,14.")
    return AnonymousLimits(*(int(part) for part in parts))


_SIZE = re.compile(r"(\d{1,9})([kMGT]?)B", re.ASCII)


def parse_size(text: str) -> int:
    """Read a size such as 500MB or 20GB, in powers of a thousand. Raises Error `invalid`."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise Error("invalid", f"{text!r} is no size: a whole number above 0 with kB, MB, GB or TB behind it is, for example 500MB.")
    return int(found[1]) * int(1000 ** " kMGT".index(found[2] or " "))


def parse_proxy(text: str) -> str:
    """Check one trusted proxy's address. Raises Error `invalid`."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Error("invalid", f"--trusted-proxy {text!r} is not an IP address, for example 127.0.0.1.") from None


def parse_smtp(text: str) -> str:
    """Check where mail is handed over. Raises Error `invalid`, which does not echo what may hold a password."""
    parts = urllib.parse.urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.password is not None:
        raise Error(
            "invalid", "--smtp holds a password, which every list of processes shows. Put it into a file: --smtp-password-file FILE"
        )
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == -1 or parts.path.strip("/") or parts.query:
        raise Error("invalid", "--smtp is no address such as smtp://user@mail.example.org:587 or smtps://mail.example.org.")
    return text.rstrip("/")


def read_smtp_password(path: Path) -> str:
    """Read a password from its file. Raises Error `invalid`."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise Error("invalid", f"--smtp-password-file {path} cannot be read: {reason}.") from None


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other. Raises Error `invalid`."""
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise Error("invalid", "--tls-cert and --tls-key go together: one is missing.")
    if settings.listen_host in ("0.0.0.0", "::") and not settings.public_url:  # noqa: S104 - refused, not bound
        raise Error(
            "invalid",
            f"--listen {settings.listen_host} needs --public-url: a server on all addresses must know by which name it is called, "
            "for example --public-url https://track.example.org.",
        )
    if bool(settings.smtp_url) != bool(settings.mail_from):
        raise Error("invalid", "--smtp and --mail-from go together: one is missing.")
    if settings.mail_from and ("@" not in settings.mail_from or not settings.mail_from.isprintable()):
        raise Error("invalid", f"--mail-from {settings.mail_from!r} is no address, for example runkey@example.org.")
    if settings.max_file_bytes is not None and settings.max_file_bytes > limits.MAX_FILE_BYTES:
        raise Error("invalid", f"--max-file is more than the {limits.MAX_FILE_BYTES // 10**9}GB that a file may have at most.")
    if settings.workers < 1:
        raise Error("invalid", "--workers must be at least 1.")
