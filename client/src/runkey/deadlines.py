"""Connections on which a whole answer has one deadline.

A socket's own time-out counts each piece anew: a server that sends a byte now and then would hold a login for ever. Loaded with urllib3,
by `transport` alone.
"""

import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_now = threading.local()


@contextmanager
def within(seconds: float, *, for_each_piece: bool = False) -> Iterator[None]:
    """Let every connection that this thread uses in the block take so long, and no longer.

    for_each_piece: of what is sent; the last one's time is the answer's, too.
    """
    _now.deadline = time.monotonic() + seconds
    _now.renewed_by = seconds if for_each_piece else None
    try:
        yield
    finally:
        _now.deadline = _now.renewed_by = None


def _remaining() -> float | None:
    """Seconds that are left; None outside of a request. Raises TimeoutError when none are."""
    deadline = getattr(_now, "deadline", None)
    if deadline is None:
        return None
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time for the answer is over")
    return float(seconds)


def _renew() -> None:
    seconds = getattr(_now, "renewed_by", None)
    if seconds is not None:
        _now.deadline = time.monotonic() + seconds


class _Incoming(io.RawIOBase):
    """The bytes that come in on a socket, each read given only the time that is left."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        # Counted by the socket, which therefore stays open until this is closed.
        self._raw = connected.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = _remaining()
        if seconds is not None:
            self._socket.settimeout(seconds)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *parts: Any, **named: Any) -> None:
        super().__init__(sock, *parts, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_Incoming(sock))


class _Sending:
    """What both kinds of connection do: a request goes out in the time that is left, not in that of connecting."""

    response_class: Any = _Response
    sock: Any

    def send(self, data: Any) -> None:
        seconds = _remaining()
        if self.sock is not None and seconds is not None:
            self.sock.settimeout(seconds)
        super().send(data)  # type: ignore[misc]
        _renew()


class _Plain(_Sending, HTTPConnection):
    pass


class _Encrypted(_Sending, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


POOLS: dict[str, Any] = {"http": _PlainPool, "https": _EncryptedPool}
