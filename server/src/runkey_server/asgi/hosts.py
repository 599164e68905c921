"""Under which names this server is called, and by whom.

The public URL is the only source of links; without one, a request to a loopback name is answered under that name. A request to any other
host is misdirected (421): a page of a foreign name that resolves here must not speak to us in its visitor's stead.
"""

import urllib.parse
from ipaddress import ip_address, ip_network

from starlette.types import Scope

from runkey_server.asgi.requests import header
from runkey_server.errors import Error

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

LOOPBACK = "this computer"
_FORWARDING = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"})


def network_of(address: str) -> str:
    """Name the network of an address, for counting and comparing: an IPv4 address's /24, an IPv6 address's /64, this computer."""
    try:
        found = ip_address(address)
    except ValueError:
        return LOOPBACK if address == "localhost" else address
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    if found.is_loopback:
        return LOOPBACK
    return str(ip_network(f"{found}/{24 if found.version == 4 else 64}", strict=False))


class Hosts:
    """What is known of this server's address and of the proxies before it."""

    def __init__(self, base_url: str, *, is_public_url_set: bool, trusted_proxies: tuple[str, ...], listen_host: str = "127.0.0.1") -> None:
        """base_url: the public URL, or the listen address as one."""
        parts = urllib.parse.urlsplit(base_url)
        self.base_url = base_url
        self.is_https = parts.scheme == "https"
        self._host = (parts.hostname or "").lower()
        self._scheme = parts.scheme
        self._is_public_url_set = is_public_url_set
        self._trusted_proxies = frozenset(trusted_proxies)
        self._is_listening_on_loopback = network_of(listen_host) == LOOPBACK
        self._known: dict[str, str] = {}

    def check(self, scope: Scope) -> None:
        """Refuse a request to a foreign host. Raises Error `misdirected`."""
        self.host_of(scope)

    def host_of(self, scope: Scope) -> str:
        """Give the host name that a request was sent to, without a port. Raises Error `misdirected`."""
        given = header(scope, b"host") or ""
        host = self._known.get(given)
        if host is None:
            host = _name(given)
            if host != self._host and (self._is_public_url_set or host not in LOOPBACK_NAMES):
                raise Error("misdirected", f"This server is {self.base_url}; it does not answer for another host name.")
            if len(self._known) < 100:
                self._known[given] = host
        return host

    def base_url_for(self, scope: Scope) -> str:
        """Give the address under which whoever sent this request reaches us."""
        if self._is_public_url_set:
            return self.base_url
        given = header(scope, b"host") or ""
        return f"{self._scheme}://{given}" if self.host_of(scope) in LOOPBACK_NAMES else self.base_url

    def is_loopback_only(self, scope: Scope) -> bool:
        """Tell whether nobody but this computer can have sent a request: what opens sign-up and accounts without a name by default.

        A proxy on this computer that adds no header field and keeps the host's name cannot be told from a browser; one that speaks
        HTTP/1.0, as some do by default, can. Whoever serves through a proxy sets a public URL.
        """
        return (
            self._is_listening_on_loopback
            and not self._is_public_url_set
            and scope.get("http_version") != "1.0"
            and network_of(str((scope.get("client") or ("",))[0])) == LOOPBACK
            and self.host_of(scope) in LOOPBACK_NAMES
            and not any(name in _FORWARDING for name, _ in scope["headers"])
        )

    def client_of(self, scope: Scope) -> str:
        """Give the address that a request comes from. X-Forwarded-For counts only from a trusted proxy: its last untrusted entry."""
        client = scope.get("client")
        address = str(client[0]) if client else ""
        if address not in self._trusted_proxies:
            return address
        # All lines of that name are one list (RFC 9110 section 5.3): some proxies add a line of their own.
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        for forwarded in reversed(",".join(lines).split(",")):
            try:
                candidate = str(ip_address(forwarded.strip()))
            except ValueError:
                return address
            if candidate not in self._trusted_proxies:
                return candidate
        return address


def _name(host: str) -> str:
    try:
        return (urllib.parse.urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
