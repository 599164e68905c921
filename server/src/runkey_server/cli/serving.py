"""Serves one data folder: takes it for itself, brings the database up to date, says where it answers, runs the workers until a signal."""

import contextlib
import gc
import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from runkey_server import __version__, accounts, clock, secret_keys
from runkey_server.asgi.hosts import LOOPBACK, network_of
from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.errors import Error
from runkey_server.files import Directory
from runkey_server.settings import Settings

# Granian's default of 1,024 open requests a process makes a plain GET wait seconds behind as many held ones.
_BACKPRESSURE = 8_192
_STOP_SECONDS = 4
_LOCK = "serving.lock"


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or Ctrl-C, which let requests under way finish; give the exit code.

    Raises Error `invalid` or `conflict` when the folder or the port is taken.
    """
    _check_tls(settings)
    with folder_to_ourselves(settings.data):
        settings = replace(settings, listen_port=_free_port(settings))
        database = Database(settings.sqlalchemy_url)
        migrate(database)
        secret_keys.load_or_make(settings.data)
        Directory(settings.data / "files").forget_unfinished()
        code = _first_link(database)
        # Workers are forked: they open connections of their own.
        database.close()
        _note_address(settings)
        threading.Thread(target=_announce, args=(settings, code), daemon=True).start()
        _run_workers(settings)
    return 0


def _check_tls(settings: Settings) -> None:
    """Load the certificate and its key, as the workers will. Raises Error `invalid` when that cannot be."""
    if settings.tls_cert is None or settings.tls_key is None:
        return
    # slow import
    import ssl

    for path in (settings.tls_cert, settings.tls_key):
        if not path.is_file():
            raise Error("invalid", f"There is no file {path}, which --tls-cert or --tls-key names.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "it cannot be read"
        raise Error("invalid", f"{settings.tls_cert} and {settings.tls_key} are no certificate and its key (PEM): {reason}.") from None


@dataclass(frozen=True)
class Served:
    """How a folder was last served; the defaults before the first start. sign_up: as far as the settings alone tell."""

    url: str
    sign_up: str
    sends_mail: bool


def find_served(data: Path) -> Served:
    """Tell how a folder was last served, for a command beside it."""
    defaults = Settings()
    try:
        kept = json.loads((data / _LOCK).read_text())
        return Served(str(kept["url"]), str(kept["sign_up"]), bool(kept["sends_mail"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Served(defaults.base_url, "open", False)


def build_worker(settings: Settings) -> Any:
    """Build one worker's application; its log goes to standard error."""
    from runkey_server import app

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    built = app.build(settings)
    # What was loaded stays for good: a full collection that went through all of it would hold every request up for a tenth of a second.
    gc.collect()
    gc.freeze()
    return built


@contextlib.contextmanager
def folder_to_ourselves(data: Path) -> Iterator[None]:
    """Hold a lock on the folder. Raises Error `conflict` while another server holds it."""
    import fcntl

    with (data / _LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            url = find_served(data).url
            raise Error(
                "conflict", f"Another server is serving {data} already, at {url}. Stop it first, or name another folder with --data."
            ) from None
        # Workers must not keep the lock alive when this process is gone.
        os.set_inheritable(file.fileno(), False)
        yield


def _note_address(settings: Settings) -> None:
    is_open = settings.public_url is None and network_of(settings.listen_host) == LOOPBACK
    sign_up = settings.sign_up or ("open" if is_open else "closed")
    noted = {"url": settings.base_url, "pid": os.getpid(), "sign_up": sign_up, "sends_mail": settings.smtp_url is not None}
    try:
        (settings.data / _LOCK).write_text(json.dumps(noted))
    except OSError as error:
        raise Error("unavailable", f"{settings.data} cannot be written to: {error.strerror}. Make room, then begin again.") from None


def _free_port(settings: Settings) -> int:
    """Check that the port can be had, or find a free one for port 0. Raises Error `conflict` or `invalid`.

    Workers share the port (SO_REUSEPORT), so a second server on it would not fail by itself: it would take every other request.
    """
    family = socket.AF_INET6 if ":" in settings.listen_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.listen_host, settings.listen_port))
        except OSError as error:
            place = f"{settings.listen_host}:{settings.listen_port}"
            raise Error(
                "conflict", f"Cannot listen on {place}: {error.strerror}. Stop what listens there, or choose another with --listen."
            ) from None
        return int(probe.getsockname()[1])


def _first_link(database: Database) -> str | None:
    """Make the code that makes the first administrator, as long as there is none."""
    with database.writing() as transaction:
        if accounts.administrator_exists(transaction):
            return None
        return accounts.issue_link(transaction, accounts.FIRST_ADMINISTRATOR, at=clock.now())


def _announce(settings: Settings, code: str | None) -> None:
    """Say where the server answers, as soon as it does."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection((settings.listen_host, settings.listen_port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.02)
    lines = [f"runkey-server {__version__} answers at {settings.base_url} (data in {settings.data})"]
    if code:
        lines += [
            "Nobody is administrator yet. Become it by this link (works once, within 24 hours):",
            f"  {settings.base_url}/setup#{code}",
        ]
    # In one piece: whoever waits for the first line has them all.
    print("\n".join(lines), flush=True)


def _run_workers(settings: Settings) -> None:
    # slow import
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    server = Server(
        "runkey_server.cli.serving:build_worker",
        address=settings.listen_host,
        port=settings.listen_port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.workers,
        backlog=_BACKPRESSURE,
        backpressure=_BACKPRESSURE,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=_STOP_SECONDS,
        log_level=LogLevels.warning,
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        process_name=None,
    )
    server.serve(target_loader=partial(build_worker, settings), wrap_loader=False)
