"""RFC 7009, one test a line: whoever holds a secret may end it, and learns nothing by trying."""

import pytest
import sqlalchemy as sa
from house import House, Visitor
from joining import approve, ask, join, poll
from outside import eventually

from runkey_server import keys

VIEWER = "{ viewer { username } }"


@pytest.fixture
def mira(house: House) -> Visitor:
    return house.visitor().sign_up("mira")


def revoke(house: House, **form: str) -> "object":
    return house.client.post("/oauth/revoke", data=form)


@pytest.mark.holds("RFC 7009 2.2")
def test_every_token_gets_the_same_answer(house: House, mira: Visitor) -> None:
    joined, user = join(house, mira), house.person("mira").secret
    tokens = [joined["access_token"], user, "unknown", "x" * 10_000, "rku_" + "x" * 36, "\x00\u2028é", joined["access_token"], user]
    answers = [revoke(house, token=token) for token in tokens]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"")}
    assert len({tuple(sorted(set(answer.headers) - {"x-request-id"})) for answer in answers}) == 1


@pytest.mark.holds("RFC 7009 2.1")
def test_what_was_issued_by_one_login_ends_together(house: House, mira: Visitor) -> None:
    """There are no refresh tokens: the family of a machine's key are the keys that it had before, which still write to its open runs."""
    first = join(house, mira)
    house.graphql(first["access_token"], 'mutation { upsertBucket(input: {modelName: "p", name: "r"}) { inserted } }')
    second = join(house, mira, machine_id=first["machine_id"])
    other = join(house, mira)
    line = {"files": {"wandb-history.jsonl": {"offset": 0, "content": ['{"a": 1}']}}}

    def writes(key: str) -> bool:
        answer = house.client.post("/files/mira/p/r/file_stream", json=line, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code in (200, 401)
        return bool(answer.status_code == 200)

    assert writes(first["access_token"])
    assert writes(second["access_token"])
    assert revoke(house, token=second["access_token"]).status_code == 200
    eventually(lambda: not writes(first["access_token"]) and not writes(second["access_token"]), 2.0)
    assert writes(other["access_token"]), "another machine's key is not of this family"


@pytest.mark.holds("RFC 7009 2.1")
@pytest.mark.parametrize("hint", ["", "access_token", "refresh_token", "device_code", "nonsense"])
def test_a_hint_is_no_more_than_a_hint(house: House, mira: Visitor, hint: str) -> None:
    joined = join(house, mira)
    assert revoke(house, token=joined["access_token"], token_type_hint=hint).status_code == 200
    eventually(lambda: house.graphql(joined["access_token"], VIEWER).status_code == 401, 2.0)


@pytest.mark.holds("RFC 7009 2.1")
def test_another_client_ends_nothing(house: House, mira: Visitor) -> None:
    joined = join(house, mira)
    before = house.dump()
    answer = revoke(house, token=joined["access_token"], client_id="other")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert house.dump() == before


@pytest.mark.holds("RFC 7009 2.1")
@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token_type_hint": "access_token"}])
def test_a_request_without_a_token_is_named(house: House, form: dict[str, str]) -> None:
    answer = revoke(house, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.holds("RFC 7009 2")
def test_only_a_posted_form_ends_anything(house: House, mira: Visitor) -> None:
    """Not a query: it would stand in logs, and a page elsewhere could ask for it by an image or a script."""
    key = join(house, mira)["access_token"]
    before = house.dump()
    answers = [
        house.client.get(f"/oauth/revoke?token={key}&callback=x"),
        house.client.post(f"/oauth/revoke?token={key}"),
        house.client.post("/oauth/revoke", json={"token": key}),
        house.client.post("/oauth/revoke", content=f"token={key}", headers={"Content-Type": "text/plain"}),
    ]
    # To read, an address of two names is a project's, and nobody is signed in.
    assert [answer.status_code for answer in answers] == [403, 400, 400, 400]
    assert house.dump() == before


@pytest.mark.holds("RFC 7009 2.2.1")
def test_a_server_that_cannot_end_it_now_says_503_and_when_to_come_again(house: House, mira: Visitor) -> None:
    """The client must take the token for living still, so this must not look like success, nor like an answer for good."""
    key = join(house, mira)["access_token"]
    for away, back in (("api_keys", "elsewhere"), ("elsewhere", "api_keys")):
        with house.database.writing() as transaction:
            transaction.execute(sa.text(f"ALTER TABLE {away} RENAME TO {back}"))
        answer = revoke(house, token=key)
        if back == "elsewhere":
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json().get("error") not in ("unsupported_token_type", "invalid_request", "invalid_client")
    assert answer.status_code == 200
    eventually(lambda: house.graphql(key, VIEWER).status_code == 401, 2.0)


@pytest.mark.holds("RFC 7009 2.1")
def test_a_code_ends_the_key_that_it_gave_as_long_as_it_lives(house: House, mira: Visitor) -> None:
    """A client whose answer was lost holds the code and not the key: with the code it leaves no key behind."""
    codes = ask(house)
    approve(mira, codes)
    lost = poll(house, codes["device_code"])[1]
    assert house.graphql(lost["access_token"], VIEWER).status_code == 200
    assert revoke(house, token=codes["device_code"]).status_code == 200
    eventually(lambda: house.graphql(lost["access_token"], VIEWER).status_code == 401, 2.0)
    assert "revoked" in mira.get("/settings/machines").text, "the machine was new: nothing of it stays logged in"
    late = ask(house)
    approve(mira, late)
    kept = poll(house, late["device_code"])[1]
    house.clock.advance(minutes=11)
    revoke(house, token=late["device_code"])
    with house.database.reading() as transaction:
        found = keys.find_key(transaction, kept["key_id"])
    assert found.revoked_at is None, "ten minutes later the code is nobody's"


@pytest.mark.holds("RFC 7009 2.1")
def test_taking_a_renewal_back_leaves_the_machine_as_it_was(house: House, mira: Visitor) -> None:
    first = join(house, mira)
    house.graphql(first["access_token"], 'mutation { upsertBucket(input: {modelName: "p", name: "r"}) { inserted } }')
    codes = ask(house, machine_id=first["machine_id"])
    approve(mira, codes)
    second = poll(house, codes["device_code"])[1]
    revoke(house, token=codes["device_code"])
    eventually(lambda: house.graphql(second["access_token"], VIEWER).status_code == 401, 2.0)
    bearer = {"Authorization": f"Bearer {first['access_token']}"}
    assert house.client.post("/files/mira/p/r/file_stream", json={}, headers=bearer).status_code == 200, "its open run writes on"


@pytest.mark.holds("RFC 7009 2.1")
@pytest.mark.holds("RFC 7009 2.2")
def test_revocation_endpoint_ends_keys_and_waiting_codes_and_says_200_to_all(house: House, mira: Visitor) -> None:
    """RFC 7009: 200 for unknown tokens too; whoever holds a secret may end it."""
    joined = join(house, mira)
    waiting = ask(house)
    for token in (joined["access_token"], waiting["device_code"], "unknown", "rku_" + "x" * 36):
        answer = house.client.post("/oauth/revoke", data={"token": token, "token_type_hint": "refresh_token"})
        assert answer.status_code == 200, token
        assert answer.content == b""
    eventually(lambda: house.graphql(joined["access_token"], VIEWER).status_code == 401, 2.0)
    assert poll(house, waiting["device_code"])[1]["error"] == "access_denied"
    assert house.client.post("/oauth/revoke", data={}).json()["error"] == "invalid_request"
    assert house.client.post("/oauth/revoke", data={"token": "x", "client_id": "other"}).json()["error"] == "invalid_client"
