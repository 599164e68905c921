"""Who is calling: put together by an authenticator, asked by acts. The HTTP kit does not know where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A caller whose credential was found good.

    account_id, entity, email, is_admin: whose credential it is. key_id, key_kind: which; None for a person with a browser session.
    machine_id: the machine whose own key it is. only_opened_runs: the key was replaced, rotated or has expired, and may only write on to
    runs that it opened before.
    """

    account_id: int
    entity: str
    email: str | None
    is_admin: bool
    key_id: str | None = None
    key_kind: str | None = None
    only_opened_runs: bool = False
    machine_id: str | None = None

    @property
    def may_manage_keys(self) -> bool:
        """Whether it may make keys and revoke others: a stolen machine key must mint no other."""
        return self.key_kind in (None, "user") and not self.only_opened_runs
