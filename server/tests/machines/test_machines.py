"""Machines that join: renewed by another login, another account's, revoked, named by somebody hostile; what is shown and told of them."""

import pytest
import sqlalchemy as sa
from house import House, Visitor
from joining import approve, ask, join, poll
from outside import eventually


@pytest.fixture
def mira(house: House) -> Visitor:
    return house.visitor().sign_up("mira")


HOSTILE = ["<script>alert(1)</script>\"'", "\x1b[2J\x1b[31mred\x07\r\nSet-Cookie: a=b", "x" * 10_000, "‮evil‬", "\x00", "{{7*7}}{% raw %}"]


@pytest.mark.holds("ASVS 1.2.1")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_machine_name_is_shown_harmlessly(house: House, mira: Visitor, name: str) -> None:
    codes = ask(house, machine_name=name, os_user=name[:2000], system=name[:2000])
    page = mira.get(f"/device?user_code={codes['user_code']}")
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "x" * 200 not in page.text
    assert not any(not character.isprintable() and character not in "\n" for character in page.text)
    approve(mira, codes)
    assert poll(house, codes["device_code"])[0] == 200
    listed = mira.get("/settings/machines")
    assert listed.status_code == 200
    assert "<script>" not in listed.text
    assert "set-cookie: a=b" not in str(listed.headers).lower()


def test_logging_in_again_renews_the_row_and_retires_the_former_key(house: House, mira: Visitor) -> None:
    first = join(house, mira)
    second = join(house, mira, machine_id=first["machine_id"], machine_name="renamed host")
    assert second["machine_id"] == first["machine_id"]
    assert second["machine_name"] == "gpu07", "the name on the page stays"
    assert house.graphql(first["access_token"], "{ viewer { username } }").status_code == 401
    machines = house.graphql(second["access_token"], "{ viewer { machines { hosts } } }").json()["data"]["viewer"]["machines"]
    assert sorted(machines[0]["hosts"]) == ["gpu07", "renamed host"]


def test_another_accounts_machine_id_makes_a_machine_of_ones_own(house: House, mira: Visitor) -> None:
    first = join(house, mira)
    ana = house.visitor().sign_up("ana")
    second = join(house, ana, machine_id=first["machine_id"])
    assert second["machine_id"] != first["machine_id"]
    assert house.graphql(first["access_token"], "{ viewer { username } }").status_code == 200


def test_a_renewed_machines_open_run_writes_on(house: House, mira: Visitor) -> None:
    first = join(house, mira)
    house.graphql(first["access_token"], 'mutation { upsertBucket(input: {modelName: "p", name: "r"}) { inserted } }')
    codes = ask(house, machine_id=first["machine_id"])
    approve(mira, codes)
    assert poll(house, codes["device_code"])[0] == 200
    body = {"files": {"wandb-history.jsonl": {"offset": 0, "content": ['{"a": 1}']}}}
    bearer = {"Authorization": f"Bearer {first['access_token']}"}
    assert house.client.post("/files/mira/p/r/file_stream", json=body, headers=bearer).status_code == 200
    # Until the worker has seen it, the key is whole, and there is no such run.
    eventually(lambda: house.client.post("/files/mira/p/other/file_stream", json=body, headers=bearer).status_code == 401, 2.0)


def test_revoking_a_machine_ends_its_keys_and_leaves_a_notice_when_it_joins(house: House, mira: Visitor) -> None:
    joined = join(house, mira)
    assert "The machine gpu07 was logged in to your account" in mira.get("/").text
    mira.post("/notices", at="/")
    assert "was logged in to your account" not in mira.get("/").text
    mira.post("/settings/machines", act="revoke", id=joined["machine_id"])
    eventually(lambda: house.graphql(joined["access_token"], "{ viewer { username } }").status_code == 401, 2.0)


def test_what_is_renewed_is_shown_before_and_told_afterwards(house: House, mira: Visitor) -> None:
    codes = ask(house)
    assert "Takes the place of" not in mira.get(f"/device?user_code={codes['user_code']}").text
    approve(mira, codes)
    first = poll(house, codes["device_code"])[1]
    mira.post("/notices", at="/")
    codes = ask(house, machine_id=first["machine_id"], machine_name="elsewhere")
    page = mira.get(f"/device?user_code={codes['user_code']}").text
    assert "Takes the place of" in page
    assert "gpu07" in page
    ana = house.visitor().sign_up("ana")
    assert "Takes the place of" not in ana.get(f"/device?user_code={codes['user_code']}").text, "another account's machine is nobody's"
    approve(mira, codes)
    assert poll(house, codes["device_code"])[0] == 200
    assert "The machine gpu07 was logged in to your account again" in mira.get("/").text


def test_a_machine_that_was_revoked_comes_back_as_another(house: House, mira: Visitor) -> None:
    first = join(house, mira)
    mira.post("/settings/machines", act="revoke", id=first["machine_id"])
    codes = ask(house, machine_id=first["machine_id"])
    assert "Takes the place of" not in mira.get(f"/device?user_code={codes['user_code']}").text
    approve(mira, codes)
    second = poll(house, codes["device_code"])[1]
    assert second["machine_id"] != first["machine_id"]
    with house.database.reading() as transaction:
        rows = transaction.execute(sa.text("SELECT id FROM machines WHERE revoked_at IS NOT NULL")).scalars()
        assert list(rows) == [first["machine_id"]]
