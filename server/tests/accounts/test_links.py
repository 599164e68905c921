from concurrent.futures import ThreadPoolExecutor

import pytest
from house import StillClock

from runkey_server import accounts
from runkey_server.accounts import FIRST_ADMINISTRATOR, RESET, SIGN_IN
from runkey_server.database import Database
from runkey_server.errors import Error

PASSWORD = "four quiet otters at noon"


def test_first_administrator_is_made_once(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        assert not accounts.administrator_exists(transaction)
        code = accounts.issue_link(transaction, FIRST_ADMINISTRATOR, at=clock())
    made = accounts.redeem_first_administrator(database, code, "Root", PASSWORD, clock())
    assert (made.name, made.is_admin) == ("root", True)
    with pytest.raises(Error, match="used already"):
        accounts.redeem_first_administrator(database, code, "second", PASSWORD, clock())


def test_twenty_at_once_make_one_administrator(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        code = accounts.issue_link(transaction, FIRST_ADMINISTRATOR, at=clock())

    def redeem(number: int) -> str:
        try:
            return accounts.redeem_first_administrator(database, code, f"root{number}", PASSWORD, clock()).name
        except Error as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(redeem, range(8)))
    assert sum(outcome.startswith("root") for outcome in outcomes) == 1
    assert set(outcomes) - {"forbidden"} == {outcome for outcome in outcomes if outcome.startswith("root")}


@pytest.mark.parametrize(("purpose", "hours"), [(FIRST_ADMINISTRATOR, 24), (SIGN_IN, 7 * 24)])
def test_a_link_ends(database: Database, clock: StillClock, purpose: str, hours: int) -> None:
    with database.writing() as transaction:
        code = accounts.issue_link(transaction, purpose, at=clock())
        clock.advance(hours=hours, seconds=-1)
        assert accounts.find_link(transaction, code, purpose, clock())
        clock.advance(seconds=2)
        assert not accounts.find_link(transaction, code, purpose, clock())


def test_a_new_link_ends_the_one_before(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        first = accounts.issue_link(transaction, FIRST_ADMINISTRATOR, at=clock())
        second = accounts.issue_link(transaction, FIRST_ADMINISTRATOR, at=clock())
        assert not accounts.find_link(transaction, first, FIRST_ADMINISTRATOR, clock())
        assert accounts.find_link(transaction, second, FIRST_ADMINISTRATOR, clock())


def test_sign_in_link_sets_the_password(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        account = accounts.create_account(transaction, "mira", at=clock())
        code = accounts.issue_link(transaction, SIGN_IN, at=clock(), account=account)
    with pytest.raises(Error, match="too short"):
        accounts.redeem_sign_in(database, code, "short", clock())
    accounts.redeem_sign_in(database, code, PASSWORD, clock())
    assert accounts.sign_in(database, "MIRA", PASSWORD, at=clock()).id == account.id
    with pytest.raises(Error):
        accounts.redeem_sign_in(database, code, PASSWORD, clock())


def test_link_of_one_purpose_is_no_use_for_the_other(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        account = accounts.create_account(transaction, "mira", at=clock())
        code = accounts.issue_link(transaction, SIGN_IN, at=clock(), account=account)
    with pytest.raises(Error) as refusal:
        accounts.redeem_first_administrator(database, code, "root", PASSWORD, clock())
    assert refusal.value.code == "forbidden"


@pytest.mark.parametrize(("used", "left"), [(RESET, SIGN_IN), (SIGN_IN, RESET)])
def test_a_link_that_sets_a_password_ends_the_others(database: Database, clock: StillClock, used: str, left: str) -> None:
    with database.writing() as transaction:
        account = accounts.create_account(transaction, "mira", at=clock())
        codes = {purpose: accounts.issue_link(transaction, purpose, at=clock(), account=account) for purpose in (RESET, SIGN_IN)}
    accounts.redeem_sign_in(database, codes[used], PASSWORD, clock())
    with pytest.raises(Error, match="used already"):
        accounts.redeem_sign_in(database, codes[left], "six brown herons at dawn", clock())
