import pytest
from house import StillClock

from runkey_server import accounts
from runkey_server.database import Database, read_epoch
from runkey_server.errors import Error


def test_create_finds_the_account_in_any_case(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        made = accounts.create_account(transaction, " Mira ", at=clock(), is_admin=True, email="m@example.org")
    with database.reading() as transaction:
        assert accounts.find_account(transaction, "MIRA") == made
    assert (made.name, made.is_admin, made.email, made.created_at) == ("mira", True, "m@example.org", clock())


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "invalid"),
        ("-mira", "invalid"),
        ("mi ra", "invalid"),
        ("mira/x", "invalid"),
        ("é", "invalid"),
        ("a" * 64, "invalid"),
        ("settings", "conflict"),
        ("graphql", "conflict"),
        ("taken", "conflict"),
    ],
)
def test_create_refuses_a_name(database: Database, clock: StillClock, name: str, code: str) -> None:
    with database.writing() as transaction:
        accounts.create_account(transaction, "taken", at=clock())
    with pytest.raises(Error) as refusal, database.writing() as transaction:
        accounts.create_account(transaction, name, at=clock())
    assert refusal.value.code == code


def test_name_of_a_deleted_account_stays_taken(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        account = accounts.create_account(transaction, "gone", at=clock())
        accounts.delete_account(transaction, account, clock())
    with database.reading() as transaction:
        assert accounts.find_account(transaction, "gone") is None
        assert accounts.list_accounts(transaction) == []
    with pytest.raises(Error) as refusal, database.writing() as transaction:
        accounts.create_account(transaction, "gone", at=clock())
    assert refusal.value.code == "conflict"


def test_disabling_counts_in_the_credential_epoch(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        account = accounts.create_account(transaction, "mira", at=clock())
        before = read_epoch(transaction)
        accounts.disable_account(transaction, account, clock())
        assert read_epoch(transaction) == before + 1
    with database.reading() as transaction:
        found = accounts.get_account(transaction, "mira")
    assert not found.is_active
