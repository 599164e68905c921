from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from house import StillClock

from runkey_server import accounts
from runkey_server.accounts import attempts
from runkey_server.database import Database
from runkey_server.errors import Error

PASSWORD = "four quiet otters at noon"


def try_to(database: Database, clock: StillClock, name: str, password: str = PASSWORD) -> str:
    try:
        return accounts.sign_up(database, name, password, code=None, is_open=True, at=clock(), network="one").name
    except Error as error:
        return error.code


def test_many_at_once_are_as_many_tries(database: Database, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing takes long: whoever asks for thirty accounts meanwhile must not find the count as it was before."""
    monkeypatch.setattr(attempts, "SIGN_UP_FROM_ONE_PLACE", attempts.Limit(2, attempts.SIGN_UP_FROM_ONE_PLACE.within, is_hard=True))
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda number: try_to(database, clock, f"person{number}"), range(6)))
    assert sorted(outcome[:6] for outcome in outcomes) == ["person"] * 2 + ["too_ma"] * 4


def test_asking_for_names_that_are_taken_is_counted(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        accounts.create_account(transaction, "taken", at=clock())
    assert try_to(database, clock, "taken", "short") == "invalid"
    assert try_to(database, clock, "taken") == "conflict"
    with database.reading() as transaction:
        assert transaction.execute(sa.text("SELECT count(*) FROM attempts WHERE bucket = 'sign-up one'")).scalar() == 1
