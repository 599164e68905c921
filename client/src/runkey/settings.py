"""What was asked for: arguments over environment over files, read into one Settings. The only file that reads the environment.

Where a variable of ours is unset, its W&B twin is read; the twin of RUNKEY_HOST is WANDB_BASE_URL. WANDB_API_KEY counts only while
WANDB_BASE_URL is set and is the very host in question: a key is never sent to a server that it was not meant for.
"""

import os
import sys
from collections.abc import Mapping

from runkey.errors import UsageError

DEFAULT_HOST = "http://127.0.0.1:8080"
"""Where `runkey-server serve` answers when it is told nothing else; offered, never assumed."""

ANONYMOUS = ("must", "allow", "never")
MODES = ("online", "offline", "disabled")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_W_AND_B_MODES = {"dryrun": "offline", "run": "online", "shared": "online"}


class Environment:
    """The environment as this package knows it: names of ours, then their twins. Handed in, so that tests need not change the real one."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        """Read from these variables; by default, those of the process."""
        self._variables = os.environ if variables is None else variables

    def get(self, name: str, twin: str | None = None) -> str | None:
        """Give a variable's value, or its twin's; None when both are unset or empty."""
        return self._variables.get(name) or (self._variables.get(twin) if twin else None) or None

    @property
    def host(self) -> str | None:
        """RUNKEY_HOST, or WANDB_BASE_URL."""
        return self.get("RUNKEY_HOST", "WANDB_BASE_URL")

    @property
    def mode(self) -> str:
        """RUNKEY_MODE or WANDB_MODE. Raises UsageError for an unknown word."""
        word = (self.get("RUNKEY_MODE", "WANDB_MODE") or "online").lower()
        word = _W_AND_B_MODES.get(word, word)
        if word not in MODES:
            raise UsageError(f"RUNKEY_MODE is none of {', '.join(MODES)}. Set it to one of them, or unset it.")
        return word

    @property
    def silent(self) -> bool:
        """RUNKEY_SILENT or WANDB_SILENT."""
        return (self.get("RUNKEY_SILENT", "WANDB_SILENT") or "").lower() in ("1", "true", "yes", "on")

    @property
    def anonymous(self) -> str | None:
        """RUNKEY_ANONYMOUS or WANDB_ANONYMOUS."""
        return self.get("RUNKEY_ANONYMOUS", "WANDB_ANONYMOUS")

    @property
    def config_folder(self) -> str:
        """Where login keeps things: RUNKEY_CONFIG_DIR, else `runkey` in the system's place for settings."""
        named = self.get("RUNKEY_CONFIG_DIR")
        if named:
            return os.path.expanduser(named)
        if sys.platform == "win32":
            return os.path.join(self.get("APPDATA") or self.home, "runkey")
        return os.path.join(self.get("XDG_CONFIG_HOME") or os.path.join(self.home, ".config"), "runkey")

    @property
    def runs_folder(self) -> str:
        """Where runs keep their journals: RUNKEY_DIR, `runkey` in WANDB_DIR, else `runkey` in the current folder."""
        named = self.get("RUNKEY_DIR")
        if named:
            return os.path.expanduser(named)
        return os.path.join(os.path.expanduser(self.get("WANDB_DIR") or ""), "runkey")

    @property
    def home(self) -> str:
        """The person's home folder."""
        return self.get("HOME", "USERPROFILE") or os.path.expanduser("~")

    @property
    def netrc_path(self) -> str | None:
        """$NETRC, ~/.netrc or ~/_netrc, whichever is there first; None when none is."""
        named = self.get("NETRC")
        if named:
            return os.path.expanduser(named)
        for name in (".netrc", "_netrc"):
            path = os.path.join(self.home, name)
            if os.path.lexists(path):
                return path
        return None


class Settings:
    """What a login was asked to do. host: normalised, or None when nobody said; expect_user: the only account to join.

    browser: whether one may be opened.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        anonymous: str | None = None,
        key: str | None = None,
        relogin: bool | None = None,
        host: str | None = None,
        force: bool | None = None,
        timeout: float | None = None,
        verify: bool = True,
        store: str | None = None,
        profile: str | None = None,
        expect_user: str | None = None,
        browser: bool = True,
    ) -> None:
        """Settle arguments over environment. Raises UsageError for what cannot be meant."""
        self.environment = environment
        self.anonymous = check_anonymous(anonymous or environment.anonymous)
        self.key = key
        self.relogin = bool(relogin)
        self.force = bool(force)
        self.timeout = timeout
        self.verify = verify
        self.store = store
        self.profile = profile or environment.get("RUNKEY_PROFILE")
        self.expect_user = expect_user.strip().lower() if expect_user else None
        self.browser = browser
        self.is_host_argument = bool(host)
        given = host or environment.host
        self.host = normalise_host(given) if given else None
        if timeout is not None and not timeout > 0:
            raise UsageError("timeout is a number of seconds above 0, or None to wait as long as it takes.")


def check_anonymous(word: str | None) -> str | None:
    """Check the word of `anonymous`. Raises UsageError, which does not echo it: it may be a key in the wrong place."""
    word = {"true": "allow", "false": "never"}.get(word, word) if word else None
    if word is not None and word not in ANONYMOUS:
        raise UsageError('anonymous is one of "must", "allow" and "never". A key is given as key=.')
    return word


def normalise_host(text: str) -> str:
    """Write a host as scheme://name[:port], without what cannot be meant.

    Without a scheme it is https, and http for this computer alone. Raises UsageError for what is no host.
    """
    host = text.strip().rstrip("/")
    scheme, separator, rest = host.partition("://")
    if not separator:
        rest, scheme = host, ""
    scheme = scheme.lower()
    if scheme not in ("", "http", "https"):
        raise UsageError(f"The host {_shown(text)} is not an http or https address, for example https://track.example.org.")
    name, _, path = rest.partition("/")
    if path:
        raise UsageError(f"The host {_shown(text)} has a path. Give the address alone: {scheme or 'https'}://{name}")
    if "@" in name or "?" in name or "#" in name or not name or any(c.isspace() or not c.isprintable() for c in name):
        raise UsageError(f"The host {_shown(text)} is not an address, for example https://track.example.org.")
    host_name, port = split_port(name)
    if not host_name or (port is not None and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise UsageError(f"The host {_shown(text)} is not an address, for example https://track.example.org:8443.")
    if not scheme:
        scheme = "http" if host_name in _LOOPBACK else "https"
    shown = f"[{host_name}]" if ":" in host_name else host_name
    is_default = port is None or int(port) == {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{shown}" if is_default else f"{scheme}://{shown}:{int(port or 0)}"


def split_port(place: str) -> tuple[str, str | None]:
    """Split `name:port` or `[ipv6]:port` into a lower-case name without brackets and the port's text, None when there is none."""
    if place.startswith("["):
        name, _, rest = place[1:].partition("]")
        return name.lower(), rest[1:] if rest.startswith(":") else None
    name, colon, port = place.rpartition(":")
    return (name.lower(), port) if colon else (place.lower(), None)


def host_name(host: str) -> str:
    """Give the name in a normalised host, without scheme and port."""
    return split_port(host.partition("://")[2])[0]


def is_loopback(host: str) -> bool:
    """Tell whether a normalised host is this computer."""
    return host_name(host) in _LOOPBACK


def is_plain_http_elsewhere(host: str) -> bool:
    """Tell whether a key sent to this host could be read by everybody on the way."""
    return host.startswith("http://") and not is_loopback(host)


def _shown(text: str) -> str:
    """Quote what was typed, without what may be a password in it."""
    text = text.strip()
    if "@" in text:
        text = "…@" + text.rpartition("@")[2]
    return repr(text[:100])
