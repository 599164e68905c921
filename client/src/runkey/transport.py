"""The only file that opens a connection: sends one request, gives one Reply, and says which part failed when none comes.

No redirect is followed, so a credential never goes where it was not meant to. Proxies (HTTPS_PROXY, NO_PROXY, with a user and password)
and private certificate authorities (SSL_CERT_FILE, REQUESTS_CA_BUNDLE, the system's own) are honoured. urllib3 is imported with the first
request: it takes four times as long as everything else of this package together.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from runkey.errors import ConnectionFailed, Layer
from runkey.settings import Environment
from runkey_wire.version import __version__

CONNECT_SECONDS = 2.5
"""Long enough for a handshake round the world, short enough to hear of a dead server within three seconds."""

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""What is read of one answer, unpacked: more than any of ours, and too little to fill a computer's memory with."""

_SHORT_PIECE_BYTES = 8_192  # unpacked, at most a thousand times as many
_USER_AGENT = f"runkey/{__version__}"


class Readable(Protocol):
    """A body that is read piece by piece."""

    def read(self, size: int = -1, /) -> bytes:
        """Give the next piece; an empty one at the end."""


class Reply:
    """What a server answered. headers: names in lower case."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Hold one answer."""
        self.status = status
        self.headers = headers
        self.body = body


class Download:
    """An answer whose body comes piece by piece. status, headers: as in Reply."""

    def __init__(self, response: Any, url: str) -> None:
        """Hold an answer that has begun."""
        self.status: int = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self._response = response
        self._url = url

    def reply(self) -> Reply:
        """Read a short answer whole: an error's."""
        return Reply(self.status, self.headers, b"".join(self.pieces(_SHORT_BYTES)))

    def pieces(self, at_most: int | None = None) -> Iterator[bytes]:
        """Give the body. Raises ConnectionFailed when it ends before its end. at_most: bytes after which to stop reading."""
        # slow import
        import urllib3

        try:
            received = 0
            for piece in self._response.stream(_PIECE_BYTES, decode_content=True):
                yield piece
                received += len(piece)
                if at_most is not None and received >= at_most:
                    return
        except urllib3.exceptions.HTTPError:
            host = "/".join(self._url.split("/", 3)[:3])
            raise ConnectionFailed(f"{host} stopped before all of it had come.", "http") from None


_PIECE_BYTES = 256 * 1024
_SHORT_BYTES = 64 * 1024


# One pool of connections a process: a fork must not share its parent's.
_pools: dict[tuple[int, str | None], Any] = {}


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | Readable | None = None,
    timeout_seconds: float = 10.0,
) -> Reply:
    """Send one request and wait for its answer. timeout_seconds: for the whole of it; connecting has its own limit within.

    A body that is a file needs its Content-Length in the headers, and has that time for each of its pieces.

    Raises ConnectionFailed with the layer that failed. Any status is an answer.
    """
    # slow import
    import urllib3

    from runkey import deadlines

    proxy = _proxy_for(url)
    try:
        with deadlines.within(timeout_seconds, for_each_piece=body is not None and not isinstance(body, bytes)):
            response = _pool(proxy).request(
                method,
                url,
                headers={"User-Agent": _USER_AGENT, **(headers or {})},
                body=body,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout_seconds), read=timeout_seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            answer = _read(response)
    except urllib3.exceptions.HTTPError as error:
        raise _failed(error, url, proxy) from None
    if answer is None:
        raise ConnectionFailed(f"Cannot read what {_place(url)} answers: it is longer than {MAX_ANSWER_BYTES >> 20} MiB.", "http")
    return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, answer)


def _read(response: Any) -> bytes | None:
    """Read an answer to its end; None for one that is too long, which is left unread."""
    pieces, length = [], 0
    try:
        while piece := response.read(_SHORT_PIECE_BYTES, decode_content=True):
            length += len(piece)
            if length > MAX_ANSWER_BYTES:
                return None
            pieces.append(piece)
        response.release_conn()
    finally:
        # Of no effect on a connection that was given back.
        response.close()
    return b"".join(pieces)


@contextmanager
def download(url: str, *, headers: Mapping[str, str], timeout_seconds: float) -> Iterator[Download]:
    """GET something large, and close the connection when the block ends. timeout_seconds: for each piece.

    Raises ConnectionFailed as `send` does; so do the pieces.
    """
    # slow import
    import urllib3

    proxy = _proxy_for(url)
    try:
        response = _pool(proxy).request(
            "GET",
            url,
            headers={"User-Agent": _USER_AGENT, **headers},
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=timeout_seconds),
            retries=False,
            redirect=False,
            preload_content=False,
        )
    except urllib3.exceptions.HTTPError as error:
        raise _failed(error, url, proxy) from None
    try:
        yield Download(response, url)
    finally:
        response.close()


def _pool(proxy: str | None) -> Any:
    # slow import
    import urllib3

    from runkey import deadlines

    place = (os.getpid(), proxy)
    pool = _pools.get(place)
    if pool is None:
        for stale in [known for known in _pools if known[0] != place[0]]:
            del _pools[stale]
        options: dict[str, Any] = {"num_pools": 4, "maxsize": 4}
        bundle = _ca_bundle()
        if bundle:
            options["ca_certs"] = bundle
        if proxy is None:
            pool = urllib3.PoolManager(**options)
        else:
            address, credentials = _split_proxy(proxy)
            pool = urllib3.ProxyManager(address, proxy_headers=credentials, **options)
        pool.pool_classes_by_scheme = deadlines.POOLS
        _pools[place] = pool
    return pool


def _ca_bundle() -> str | None:
    # SSL_CERT_FILE and the system's own are the ssl module's business already.
    environment = Environment()
    return None if environment.get("SSL_CERT_FILE") else environment.get("REQUESTS_CA_BUNDLE")


def _proxy_for(url: str) -> str | None:
    # slow import
    import urllib.request

    proxies = urllib.request.getproxies()
    scheme, _, rest = url.partition("://")
    place = rest.partition("/")[0]
    if urllib.request.proxy_bypass(place.rpartition(":")[0] if ":" in place and "]" not in place[-1:] else place):
        return None
    proxy = proxies.get(scheme) or proxies.get("all")
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    return proxy or None


def _split_proxy(proxy: str) -> tuple[str, dict[str, str]]:
    # slow import
    import base64
    import urllib.parse

    parts = urllib.parse.urlsplit(proxy)
    if parts.username is None:
        return proxy, {}
    pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}", {"proxy-authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _failed(error: Exception, url: str, proxy: str | None) -> ConnectionFailed:
    from urllib3 import exceptions

    host = _place(url)
    shown_proxy = _split_proxy(proxy)[0] if proxy else "none"
    cause: Exception = error
    layer: Layer
    if isinstance(error, exceptions.ProxyError):
        layer, what = "proxy", f"the proxy {shown_proxy} does not let it through ({_reason(error.original_error)})"
    elif isinstance(cause, exceptions.SSLError):
        layer, what = "tls", _tls_words(cause, host)
    elif isinstance(cause, exceptions.NameResolutionError):
        layer, what = "name", f"the name does not resolve (proxy: {shown_proxy})"
    elif isinstance(cause, exceptions.NewConnectionError):  # also a kind of time-out, in urllib3's tree
        layer, what = "connect", f"{_reason(cause)} (proxy: {shown_proxy})"
    elif isinstance(cause, exceptions.ConnectTimeoutError | exceptions.ReadTimeoutError) or _ran_out(cause):
        layer, what = "timeout", f"nothing answered in time (proxy: {shown_proxy})"
    else:
        layer, what = "http", f"what answers there does not speak HTTP as expected ({_reason(cause)})"
    return ConnectionFailed(f"Cannot reach {host}: {what}.", layer)


def _place(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _ran_out(error: BaseException) -> bool:
    """Whether a time-out lies behind an error: one in the middle of sending is told as a broken connection."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, TimeoutError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _reason(error: Any) -> str:
    """Put an operating system's error into a few words; anything else by its kind, because its text may quote the request."""
    seen = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return str(seen.strerror).lower()
        seen = seen.__cause__ or seen.__context__
    return type(error).__name__


def _tls_words(error: Exception, host: str) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" not in text:
        return f"the encrypted connection failed ({_reason(error)}); is it plain http there?"
    reason = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or "it is not trusted"
    issuer = _issuer(host)
    by = f", issued by {issuer!r}," if issuer else ""
    return f"its certificate{by} is not trusted here: {reason}. If it is your organisation's own, name its file in SSL_CERT_FILE"


def _issuer(host: str) -> str | None:
    """Read the issuer's name out of the certificate that a server shows, without trusting it: nothing but this is done with it."""
    # slow import
    import socket
    import ssl

    from runkey.settings import split_port

    name, port = split_port(host.partition("://")[2])
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((name, int(port or 443)), timeout=CONNECT_SECONDS) as raw,
            context.wrap_socket(raw, server_hostname=name) as wrapped,
        ):
            der = wrapped.getpeercert(binary_form=True) or b""
    except (OSError, ValueError):
        return None
    # The issuer stands before the subject (RFC 5280 4.1): the first common name (2.5.4.3), or organisation (2.5.4.10), is its.
    for oid in (b"\x06\x03\x55\x04\x03", b"\x06\x03\x55\x04\x0a"):
        at = der.find(oid)
        if at >= 0 and at + 7 < len(der):
            length = der[at + 6]
            return "".join(c if c.isprintable() else "?" for c in der[at + 7 : at + 7 + length].decode(errors="replace"))
    return None
