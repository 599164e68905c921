"""A presented secret in, an Actor or a refusal out.

A malformed key is refused without a look-up. A well-formed one is hashed and looked for in memory, then in the database: one indexed
look-up. What is remembered counts only while the credential epoch it was read in is the present one, and only while the present one is
known: `keep_current` reads it several times a second, and when that has not succeeded for a while every check asks the database again. So
a revoked key is refused by every worker within a second, and a database that does not answer makes the check `unavailable`, never a
refusal.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from runkey_server import errors, tokens
from runkey_server.accounts import Account
from runkey_server.asgi.actor import Actor
from runkey_server.clock import Clock
from runkey_server.database import Database, read_epoch
from runkey_server.keys import store
from runkey_server.keys.model import GRACE, ApiKey
from runkey_wire import api_key, limits

MAX_REMEMBERED = 100_000
EPOCH_COUNTS_SECONDS = 1.0
"""How old the last reading of the epoch may be for memory to count."""

_NOTE_USE_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Remembered:
    key: ApiKey
    account: Account
    epoch: int
    actor: Actor
    ends_at: datetime | None


class Verifier:
    """Checks keys for one worker process."""

    def __init__(self, database: Database, pepper: bytes, clock: Clock) -> None:
        """Begin with an empty memory."""
        self._database = database
        self._pepper = pepper
        self._clock = clock
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._epoch: int | None = None
        self._epoch_read_at = float("-inf")
        self._uses: dict[str, datetime] = {}
        self._noted: dict[str, datetime] = {}

    def verify_from_memory(self, secret: str) -> Actor | None:
        """Answer without any I/O, or give None when only the database can tell. Raises Error `unauthenticated`."""
        digest = self._digest(secret)
        remembered = self._remembered.get(digest)
        if remembered is None or remembered.epoch != self._epoch or monotonic() - self._epoch_read_at > EPOCH_COUNTS_SECONDS:
            return None
        return self._judge(remembered)

    def verify(self, secret: str) -> Actor:
        """Tell whose key this is: at most one look-up.

        Raises Error `unauthenticated`, or `unavailable` when the database does not answer.
        """
        digest = self._digest(secret)
        with self._database.reading() as transaction:
            found = store.find_by_digest(transaction, digest)
        if found is None:
            raise errors.unauthenticated()
        key, account, epoch = found
        remembered = _Remembered(key, account, epoch, _actor(key, account, only_opened_runs=False), key.ended_at())
        self._remember(digest, remembered)
        return self._judge(remembered)

    def keep_current(self) -> None:
        """Read the credential epoch. Raises Error `unavailable`; then memory stops counting by itself."""
        asked_at = monotonic()
        with self._database.reading() as transaction:
            self._epoch = read_epoch(transaction)
        self._epoch_read_at = asked_at

    def note_uses(self) -> None:
        """Write down when keys were last used: at most once a minute a key. Raises Error `unavailable`; they are kept for the next time."""
        if not self._uses:
            return
        uses, self._uses = self._uses, {}
        try:
            with self._database.writing() as transaction:
                for key_id, at in uses.items():
                    store.note_use(transaction, key_id, at, _NOTE_USE_EVERY)
        except errors.Error:
            self._uses = {**uses, **self._uses}
            raise

    def _digest(self, secret: str) -> bytes:
        if len(secret) > limits.MAX_KEY_CHARACTERS or api_key.fault_of(secret) is not None:
            raise errors.unauthenticated()
        return tokens.keyed_digest(self._pepper, secret)

    def _remember(self, digest: bytes, remembered: _Remembered) -> None:
        self._remembered[digest] = remembered
        while len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)

    def _judge(self, remembered: _Remembered) -> Actor:
        key, now = remembered.key, self._clock()
        if key.revoked_at is not None or not remembered.account.is_active:
            raise errors.unauthenticated()
        actor = remembered.actor
        if remembered.ends_at is not None and remembered.ends_at <= now:
            if now >= remembered.ends_at + GRACE:
                raise errors.unauthenticated()
            actor = _actor(key, remembered.account, only_opened_runs=True)
        noted = self._noted.get(key.id) or key.last_used_at
        if noted is None or now - noted >= _NOTE_USE_EVERY:
            if len(self._noted) > MAX_REMEMBERED:
                self._noted.clear()
            self._noted[key.id] = self._uses[key.id] = now
        return actor


def _actor(key: ApiKey, account: Account, *, only_opened_runs: bool) -> Actor:
    return Actor(
        account_id=account.id,
        entity=account.name,
        email=account.email,
        is_admin=account.is_admin,
        key_id=key.id,
        key_kind=key.kind,
        machine_id=key.machine_id,
        only_opened_runs=only_opened_runs,
    )
