"""Minting, importing, rotating, revoking, verifying: on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from house import PEPPER, Person, StillClock, make_person

from runkey_server import accounts, keys
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.keys import Verifier, presented_key
from runkey_wire import api_key


@pytest.fixture
def verifier(database: Database, clock: StillClock) -> Verifier:
    made = Verifier(database, PEPPER, clock)
    made.keep_current()
    return made


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect every statement that reaches the database."""
    seen: list[str] = []

    def note(*words: object) -> None:
        seen.append(str(words[2]))

    # On PostgreSQL the reader is a view of the writer, and hears what it hears.
    engines = (database._reader, database._writer) if database.is_sqlite else (database._writer,)
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in engines:
        sa.event.remove(engine, "before_cursor_execute", note)


def refused(verifier: Verifier, secret: str) -> bool:
    try:
        verifier.verify_from_memory(secret) or verifier.verify(secret)
    except Error as error:
        assert (error.code, error.message) == ("unauthenticated", "user is not logged in")
        return True
    return False


def test_a_minted_key_has_the_agreed_shape_and_is_kept_as_a_hash(database: Database, alice: Person) -> None:
    assert len(alice.secret) == 40
    assert alice.secret.startswith("rku_")
    assert api_key.fault_of(alice.secret) is None
    assert alice.key.name == f"rku_…{alice.secret[-4:]}"
    with database.reading() as transaction:
        rows = str([tuple(row) for row in transaction.execute(sa.text("SELECT * FROM api_keys"))])
    assert alice.secret not in rows
    assert alice.secret[4:34] not in rows


def test_verify_tells_whose_key_it_is(verifier: Verifier, alice: Person) -> None:
    actor = verifier.verify(alice.secret)
    assert actor == alice.actor
    assert verifier.verify_from_memory(alice.secret) == actor


@pytest.mark.parametrize("damage", ["", "cut", "padded", "spaced", "checksum", "alphabet", "foreign", "long"])
def test_a_malformed_key_costs_no_look_up(database: Database, verifier: Verifier, alice: Person, damage: str) -> None:
    last = "a" if alice.secret[-1] != "a" else "b"
    secret = {
        "": "",
        "cut": alice.secret[:-1],
        "padded": alice.secret + "x",
        "spaced": alice.secret[:20] + " " + alice.secret[21:],
        "checksum": alice.secret[:-1] + last,
        "alphabet": alice.secret[:20] + "é" + alice.secret[21:],
        "foreign": "hf_short",
        "long": "k" * 5_000,
    }[damage]
    with statements(database) as seen:
        assert refused(verifier, secret)
    assert seen == []


def test_a_check_costs_one_indexed_look_up(database: Database, verifier: Verifier, alice: Person) -> None:
    with statements(database) as seen:
        verifier.verify(alice.secret)
    assert sum("api_keys" in statement for statement in seen) == 1
    with statements(database) as seen:
        assert verifier.verify_from_memory(alice.secret) == alice.actor
    assert seen == []


def test_unknown_but_well_formed_is_refused(verifier: Verifier, alice: Person) -> None:
    assert refused(verifier, api_key.join("user", "Z" * 30))
    assert refused(verifier, "f" * 40)


def test_another_pepper_knows_no_key(database: Database, clock: StillClock, alice: Person) -> None:
    assert refused(Verifier(database, b"q" * 32, clock), alice.secret)


def test_revoking_is_seen_by_another_worker_with_the_next_epoch(database: Database, clock: StillClock, alice: Person) -> None:
    workers = [Verifier(database, PEPPER, clock) for _ in range(2)]
    for worker in workers:
        worker.keep_current()
        worker.verify(alice.secret)
    with database.writing() as transaction:
        keys.revoke(transaction, alice.key, clock())
    for worker in workers:
        assert worker.verify_from_memory(alice.secret) is not None  # not yet heard
        worker.keep_current()
        assert worker.verify_from_memory(alice.secret) is None
        assert refused(worker, alice.secret)


def test_memory_does_not_count_without_a_recent_epoch(database: Database, clock: StillClock, alice: Person) -> None:
    verifier = Verifier(database, PEPPER, clock)
    verifier.verify(alice.secret)
    assert verifier.verify_from_memory(alice.secret) is None


def test_revoking_takes_along_what_the_key_made(database: Database, clock: StillClock, verifier: Verifier, alice: Person) -> None:
    with database.writing() as transaction:
        child, child_secret = keys.mint(transaction, PEPPER, alice.account.id, kind="user", at=clock(), made_by=alice.key.id)
        grandchild, _ = keys.mint(transaction, PEPPER, alice.account.id, kind="user", at=clock(), made_by=child.id)
        other, other_secret = keys.mint(transaction, PEPPER, alice.account.id, kind="user", at=clock())
        assert keys.revoke(transaction, alice.key, clock()) == sorted([alice.key.id, child.id, grandchild.id])
    assert refused(verifier, child_secret)
    assert verifier.verify(other_secret).key_id == other.id


def test_disabling_the_account_refuses_its_keys(database: Database, clock: StillClock, verifier: Verifier, alice: Person) -> None:
    with database.writing() as transaction:
        accounts.disable_account(transaction, alice.account, clock())
    assert refused(verifier, alice.secret)
    with database.writing() as transaction:
        accounts.disable_account(transaction, alice.account, None)
    assert verifier.verify(alice.secret) == alice.actor


@pytest.mark.parametrize("how", ["expired", "rotated"])
def test_an_ended_key_may_write_on_for_a_day(database: Database, clock: StillClock, verifier: Verifier, how: str) -> None:
    person = make_person(database, "mira", clock())
    with database.writing() as transaction:
        if how == "rotated":
            secret = person.secret
            successor, successor_secret = keys.rotate(transaction, PEPPER, person.key, at=clock())
            assert successor.made_by == person.key.made_by
        else:
            _, secret = keys.mint(transaction, PEPPER, person.account.id, kind="user", at=clock(), expires_at=clock() + timedelta(hours=1))
    if how == "rotated":
        assert not verifier.verify(successor_secret).only_opened_runs
    else:
        assert not verifier.verify(secret).only_opened_runs
        clock.advance(hours=1)
    assert verifier.verify(secret).only_opened_runs
    clock.advance(hours=23, minutes=59)
    assert verifier.verify(secret).only_opened_runs
    clock.advance(minutes=2)
    assert refused(verifier, secret)


def test_rotating_twice_is_refused(database: Database, clock: StillClock, alice: Person) -> None:
    with database.writing() as transaction:
        keys.rotate(transaction, PEPPER, alice.key, at=clock())
    with pytest.raises(Error) as refusal, database.writing() as transaction:
        keys.rotate(transaction, PEPPER, alice.key, at=clock())
    assert refusal.value.code == "conflict"


@pytest.mark.parametrize("secret", ["0123456789abcdef" * 2 + "01234567", "local-" + "a" * 40, "A" * 86, "aaa.bbb.ccc"])
def test_an_imported_key_logs_in(database: Database, clock: StillClock, verifier: Verifier, alice: Person, secret: str) -> None:
    with database.writing() as transaction:
        key = keys.import_key(transaction, PEPPER, alice.account, secret, at=clock())
    assert verifier.verify(secret).key_id == key.id
    with pytest.raises(Error) as refusal, database.writing() as transaction:
        keys.import_key(transaction, PEPPER, alice.account, secret, at=clock())
    assert refusal.value.code == "conflict"


@pytest.mark.parametrize("secret", ["", "zu kurz", "a b" * 20, api_key.join("user", "a" * 30), "rku_" + "x" * 10])
def test_import_refuses(database: Database, clock: StillClock, alice: Person, secret: str) -> None:
    with pytest.raises(Error) as refusal, database.writing() as transaction:
        keys.import_key(transaction, PEPPER, alice.account, secret, at=clock())
    assert refusal.value.code == "invalid"
    assert not secret or secret not in refusal.value.message


def test_last_use_is_written_at_most_once_a_minute(database: Database, clock: StillClock, verifier: Verifier, alice: Person) -> None:
    def used_at() -> object:
        with database.reading() as transaction:
            return keys.get_key(transaction, alice.key.id).last_used_at

    verifier.verify(alice.secret)
    verifier.note_uses()
    first = used_at()
    assert first == clock()
    clock.advance(seconds=59)
    verifier.verify(alice.secret)
    verifier.note_uses()
    assert used_at() == first
    clock.advance(seconds=2)
    verifier.verify(alice.secret)
    verifier.note_uses()
    assert used_at() == clock()


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, None),
        ("", None),
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic YXBpOmFiYw==", "abc"),
        ("Basic YXBpOg==", None),
        ("Basic OmE6Yg==", "a:b"),
    ],
)
def test_presented_key(header: str | None, key: str | None) -> None:
    assert presented_key(header) == key


@pytest.mark.parametrize("header", ["Basic %%%", "Digest x", "Basic /w==", "abc"])
def test_junk_credentials_are_refused(header: str) -> None:
    with pytest.raises(Error) as refusal:
        presented_key(header)
    assert refusal.value.code == "unauthenticated"


def test_revoking_takes_along_what_took_the_keys_place(database: Database, clock: StillClock, verifier: Verifier, alice: Person) -> None:
    """Whoever stole a key must not keep it by rotating it."""
    with database.writing() as transaction:
        second, _ = keys.rotate(transaction, PEPPER, alice.key, at=clock())
        third, third_secret = keys.rotate(transaction, PEPPER, second, at=clock())
        made, made_secret = keys.mint(transaction, PEPPER, alice.account.id, kind="user", at=clock(), made_by=third.id)
        assert keys.revoke(transaction, alice.key, clock()) == sorted([alice.key.id, second.id, third.id, made.id])
    assert refused(verifier, third_secret)
    assert refused(verifier, made_secret)


def test_revoking_a_successor_leaves_what_it_replaced(database: Database, clock: StillClock, verifier: Verifier, alice: Person) -> None:
    with database.writing() as transaction:
        second, _ = keys.rotate(transaction, PEPPER, alice.key, at=clock())
        assert keys.revoke(transaction, second, clock()) == [second.id]
    assert verifier.verify(alice.secret).only_opened_runs, "it writes its open runs to their end"
