"""Every act for everybody, from one table."""

import pytest

from runkey_server.asgi.actor import Actor
from runkey_server.projects import may

OWNER, STRANGER = 1, 2
alice = Actor(OWNER, "alice", None, False, "key_a", "user")
alice_in_a_browser = Actor(OWNER, "alice", None, False)
alices_machine = Actor(OWNER, "alice", None, False, "key_m", "machine")
alices_ended_key = Actor(OWNER, "alice", None, False, "key_e", "user", only_opened_runs=True)
charlie = Actor(STRANGER, "charlie", None, False, "key_c", "user")
administrator = Actor(STRANGER, "root", None, True, "key_r", "user")


@pytest.mark.parametrize(
    ("actor", "read", "write", "write_to_own_run", "write_to_another_keys_run"),
    [
        (alice, True, True, True, True),
        (alice_in_a_browser, True, True, True, True),
        (alices_machine, True, True, True, True),
        (alices_ended_key, False, False, True, False),
        # A run that a key opened stays its to write, whoever owns it by now: it was claimed.
        (charlie, False, False, True, False),
        (administrator, False, False, True, False),
        (None, False, False, False, False),
    ],
)
def test_may(actor: Actor | None, read: bool, write: bool, write_to_own_run: bool, write_to_another_keys_run: bool) -> None:
    assert may(actor, "read", OWNER) is read
    assert may(actor, "write", OWNER) is write
    own = actor.key_id if actor else None
    assert may(actor, "write", OWNER, opened_by=own) is (write_to_own_run if own else write)
    assert may(actor, "write", OWNER, opened_by="key_other") is write_to_another_keys_run


@pytest.mark.parametrize(
    ("actor", "manages"), [(alice, True), (alice_in_a_browser, True), (alices_machine, False), (alices_ended_key, False)]
)
def test_may_manage_keys(actor: Actor, manages: bool) -> None:
    assert actor.may_manage_keys is manages
