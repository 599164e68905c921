"""Acts that share a commit: each with its own result, its own failure, and nothing of one that failed."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from house import StillClock, make_person

from runkey_server import accounts
from runkey_server.database import Database, Grouped
from runkey_server.errors import Error


class Gate:
    """Holds the first act until all others are waiting behind it, so that they are committed together."""

    def __init__(self, grouped: Grouped, followers: int) -> None:
        self.grouped = grouped
        self.followers = followers

    def __call__(self, transaction: sa.Connection) -> str:
        while len(self.grouped._waiting) < self.followers:
            threading.Event().wait(0.005)
        return "first"


def together(grouped: Grouped, acts: list[Callable[[sa.Connection], Any]]) -> list[Any]:
    """Do acts so that all but the first share a commit; give their results or failures."""
    results: list[Any] = [None] * len(acts)

    def write(index: int, act: Callable[[sa.Connection], Any]) -> None:
        try:
            results[index] = grouped.write(act)
        except Exception as failure:
            results[index] = failure

    first = threading.Thread(target=grouped.write, args=(Gate(grouped, len(acts)),))
    first.start()
    while not grouped._is_led:
        threading.Event().wait(0.005)
    threads = [threading.Thread(target=write, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in [first, *threads]:
        thread.join(30)
        assert not thread.is_alive()
    return results


def names(database: Database) -> list[str]:
    with database.reading() as transaction:
        return [account.name for account in accounts.list_accounts(transaction)]


def test_each_hears_of_its_own_and_one_that_fails_is_undone_alone(database: Database, clock: StillClock) -> None:
    commits = []
    sa.event.listen(database._writer, "commit", commits.append)

    def make(name: str, *, fails: bool = False) -> Callable[[sa.Connection], str]:
        def act(transaction: sa.Connection) -> str:
            account = accounts.create_account(transaction, name, at=clock())
            if fails:
                raise Error("conflict", name)
            return account.name

        return act

    acts = [make("ana"), make("ben", fails=True), make("carla"), make("ana"), *(make(f"many{number}") for number in range(40))]
    results = together(Grouped(database), acts)
    # The first alone, then 32, then the rest.
    assert len(commits) == 3
    assert [str(result) for result in results if isinstance(result, Exception) and "taken" not in str(result)] == ["ben"]
    made = sorted(result for result in results if isinstance(result, str))
    assert made == sorted(["ana", "carla", *(f"many{number}" for number in range(40))])
    assert names(database) == sorted(made)


def test_a_commit_that_fails_is_told_to_all(database: Database, clock: StillClock) -> None:
    def breaks(transaction: sa.Connection) -> None:
        transaction.exec_driver_sql("SELECT * FROM nowhere")

    person = make_person(database, "alice", clock())

    def makes(transaction: sa.Connection) -> str:
        return accounts.create_account(transaction, "ben", at=clock()).name

    results = together(Grouped(database), [makes, breaks])
    assert all(isinstance(result, Exception) for result in results)
    assert names(database) == [person.account.name]


def test_alone_it_is_committed_at_once_and_raises_its_own(database: Database, clock: StillClock) -> None:
    grouped = Grouped(database)
    assert grouped.write(lambda transaction: accounts.create_account(transaction, "ana", at=clock()).name) == "ana"
    with pytest.raises(Error) as refused:
        grouped.write(lambda transaction: accounts.create_account(transaction, "ana", at=clock()))
    assert refused.value.code == "conflict"
    assert names(database) == ["ana"]
