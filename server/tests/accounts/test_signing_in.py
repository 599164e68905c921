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
