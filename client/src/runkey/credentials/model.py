"""What a credential is. No I/O."""

from typing import Any

from runkey_wire import api_key


class Secret:
    """A text that never shows itself: not in a repr, not in a log, not in a traceback's locals."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap a secret."""
        self._text = text

    def reveal(self) -> str:
        """Give the text, for the one place that sends or stores it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        import hmac

        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> Any:
        raise TypeError("A secret is not to be pickled.")


class Credential:
    """A key for one host. Plain attributes, not a dataclass: importing that costs a quarter of what `runkey status` may cost.

    host: normalised. account: the name it belongs to, None when that was never checked. server_id: which server it was checked with.
    claimed: the names of accounts without a name
    that this account took over. source: where it came from, in words. key_id, kind: its public handle and type, as the server told.
    created, expires, checked: RFC 3339.
    """

    __slots__ = (
        "account",
        "checked",
        "claimed",
        "created",
        "expires",
        "host",
        "key_id",
        "kind",
        "machine_id",
        "profile",
        "secret",
        "server_id",
        "source",
        "store",
    )

    def __init__(
        self,
        host: str,
        secret: Secret,
        source: str,
        *,
        account: str | None = None,
        server_id: str | None = None,
        profile: str | None = None,
        store: str | None = None,
        key_id: str | None = None,
        kind: str | None = None,
        machine_id: str | None = None,
        created: str | None = None,
        expires: str | None = None,
        checked: str | None = None,
        claimed: list[str] | None = None,
    ) -> None:
        """Hold what is known of a key."""
        self.host = host
        self.secret = secret
        self.source = source
        self.account = account
        self.server_id = server_id
        self.profile = profile
        self.store = store
        self.key_id = key_id
        self.kind = kind
        self.machine_id = machine_id
        self.created = created
        self.expires = expires
        self.checked = checked
        self.claimed = claimed

    def replaced(self, **changes: Any) -> "Credential":
        """Give a copy with some of it changed."""
        values = {name: getattr(self, name) for name in self.__slots__} | changes
        return Credential(values.pop("host"), values.pop("secret"), values.pop("source"), **values)

    @property
    def is_anonymous(self) -> bool:
        """Whether it belongs to an account without a name."""
        return self.kind == "anonymous" or api_key.kind_of(self.secret.reveal()) == "anonymous"

    def stands_for(self, account: str | None) -> bool:
        """Whether what was begun as this account may go on with this credential: never as somebody else."""
        return account is not None and (account == self.account or account in (self.claimed or ()))

    def __repr__(self) -> str:
        return f"Credential(host={self.host!r}, account={self.account!r}, source={self.source!r})"
