import pytest
from house import StillClock

from runkey_server import accounts, passwords
from runkey_server.database import Database
from runkey_server.errors import Error

PASSWORD = "four quiet otters at noon"


def test_sign_in_says_the_same_whatever_is_wrong(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        hashed = passwords.hash_password(PASSWORD)
        account = accounts.create_account(transaction, "mira", at=clock(), password_hash=hashed)
        accounts.create_account(transaction, "nopassword", at=clock())
        disabled = accounts.create_account(transaction, "away", at=clock(), password_hash=hashed)
        accounts.disable_account(transaction, disabled, clock())
    assert accounts.sign_in(database, "mira", PASSWORD, at=clock()).id == account.id
    refusals = set()
    for name, password in [("mira", "wrong"), ("nobody", PASSWORD), ("nopassword", PASSWORD), ("away", PASSWORD), ("mira", "")]:
        with pytest.raises(Error) as refusal:
            accounts.sign_in(database, name, password, at=clock())
        refusals.add((refusal.value.code, refusal.value.message))
    assert len(refusals) == 1


def test_session_begins_is_found_and_ends(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        account = accounts.create_account(transaction, "mira", at=clock())
        token = accounts.begin_session(transaction, account, clock())
        other = accounts.begin_session(transaction, account, clock())
    assert token != other
    with database.writing() as transaction:
        found = accounts.find_session(transaction, token, clock())
        assert found is not None
        assert found.account.name == "mira"
        assert accounts.find_session(transaction, token + "x", clock()) is None
        accounts.end_session(transaction, token)
        assert accounts.find_session(transaction, token, clock()) is None
        assert accounts.find_session(transaction, other, clock()) is not None
        clock.advance(days=31)
        assert accounts.find_session(transaction, other, clock()) is None


def test_disabling_ends_sessions_for_good(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        account = accounts.create_account(transaction, "mira", at=clock())
        token = accounts.begin_session(transaction, account, clock())
        accounts.disable_account(transaction, account, clock())
        accounts.disable_account(transaction, account, None)
        assert accounts.find_session(transaction, token, clock()) is None


def test_nobody_can_shut_everybody_out(database: Database, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "is_right", lambda password, kept: kept is not None and password == PASSWORD)
    with database.writing() as transaction:
        accounts.create_account(transaction, "mira", at=clock(), password_hash=passwords.hash_password(PASSWORD))

    def try_it(name: str, password: str, network: str) -> str:
        try:
            return accounts.sign_in(database, name, password, at=clock(), network=network).name
        except Error as error:
            return error.code

    # One network guesses at all names: it is slowed down, and nobody else.
    tried = [try_it(f"name{number}", "guess", "198.51.100.0/24") for number in range(130)]
    assert tried[99:102] == ["unauthenticated", "too_many", "too_many"]
    assert try_it("mira", PASSWORD, "203.0.113.0/24") == "mira"
    # A thousand wrong ones from everywhere: a network with a few tries of its own still gets in.
    for number in range(901):
        try_it(f"other{number}", "guess", f"10.{number % 200}.0.0/24")
    assert try_it("mira", PASSWORD, "192.0.2.0/24") == "mira"
    for _ in range(5):
        try_it("ana", "guess", "192.0.2.0/24")
    assert try_it("mira", PASSWORD, "192.0.2.0/24") == "too_many"
    clock.advance(minutes=6)
    assert try_it("mira", PASSWORD, "192.0.2.0/24") == "mira"
