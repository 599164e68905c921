"""Every field of the query language that takes something, given junk: an error of GraphQL's or a 4xx, never a fault of ours."""

import pytest
from asking import Logged, ask, check_log, logged
from budget import Budget
from estates import Estate
from house import House
from junk_documents import Spot, bodies, odd_graphql_bodies, spots
from junk_requests import Request
from junk_values import Land

# 429: somebody without a key makes accounts, which are counted.
ANSWERS = {200, 400, 413, 429}


def post(house: House, secret: str, body: bytes) -> int:
    headers = ((b"authorization", f"Bearer {secret}".encode()), (b"content-type", b"application/json"))
    answer = ask(house, Request("POST", b"/graphql", headers, (body,)))
    if answer.status == 401:
        return 401
    assert answer.status in ANSWERS, (answer.status, answer.body[:1_000], body[:3_000])
    told = answer.json()
    assert isinstance(told, dict), answer.body[:1_000]
    assert "data" in told or "errors" in told, answer.body[:1_000]
    return answer.status


@pytest.mark.parametrize("spot", spots(), ids=lambda spot: spot.name)
def test_a_field_takes_junk(spot: Spot, house: House, mira: Estate, land: Land, budget: Budget) -> None:
    # One of its own: another test's junk may have ended hers.
    secrets = [house.person(mira.name).secret]

    def try_one(body: bytes) -> None:
        # What the fields do is done: a key may have ended itself.
        if post(house, secrets[-1], body) == 401:
            secrets.append(house.person(mira.name).secret)
            assert post(house, secrets[-1], b'{"query": "{ viewer { id } }"}') == 200

    with logged() as log:
        budget.spend(bodies(spot, land), try_one)
    check_log(log.lines, *secrets)
    assert post(house, house.person(mira.name).secret, b'{"query": "{ viewer { id } }"}') == 200


def test_what_is_no_question_is_400(house: House, mira: Estate) -> None:
    secret = house.person(mira.name).secret
    for body in odd_graphql_bodies():
        post(house, secret, body)
        # Nobody learns more without a key.
        assert ask(house, Request("POST", b"/graphql", ((b"content-type", b"application/json"),), (body,))).status in (400, 401, 413)


def test_a_secret_in_the_log_would_be_found() -> None:
    log = Logged()
    log.lines.append("request 1 asked for rku_x")
    with pytest.raises(AssertionError):
        check_log(log.lines, "rku_x")
    with pytest.raises(AssertionError):
        check_log(["request 1 failed: ValueError"])
