"""Every address of the application, given junk: a status that is right for whoever sent it, never a fault of ours."""

import pytest
from asking import ask, check_log, logged, routes
from budget import Budget
from estates import Estate
from house import House
from junk_requests import Request, requests
from junk_values import Land

ANSWERS = {200, 204, 206, 303, 304, 400, 401, 403, 404, 405, 409, 410, 413, 415, 429}


ROUTES = routes()


def identities_of(mira: Estate, form_token: str) -> list[tuple[tuple[bytes, bytes], ...]]:
    """Header fields by which somebody is known: a key, a browser, a machine, nobody."""
    cookies = "; ".join(f"{name}={value}" for name, value in mira.visitor.client.cookies.items())
    browser = ((b"cookie", cookies.encode()), (b"sec-fetch-site", b"same-origin"), (b"x-form-token", form_token.encode()))
    return [
        ((b"authorization", f"Bearer {mira.secret}".encode()),),
        browser,
        (*browser, (b"accept", b"text/html")),
        ((b"authorization", f"Bearer {mira.machine_key}".encode()),),
        (),
    ]


@pytest.fixture
def identities(mira: Estate, land: Land) -> list[tuple[tuple[bytes, bytes], ...]]:
    return identities_of(mira, land.form_token)


@pytest.mark.parametrize(("path", "methods"), ROUTES, ids=[path for path, _ in ROUTES])
def test_an_address_takes_junk(
    path: str,
    methods: list[str],
    house: House,
    mira: Estate,
    land: Land,
    identities: list[tuple[tuple[bytes, bytes], ...]],
    budget: Budget,
) -> None:
    def try_one(request: Request) -> None:
        answer = ask(house, request)
        told = (request.method, request.target[:300], request.headers, request.pieces[:1], answer.status, answer.body[:300])
        # A target that is of another route altogether may be answered by any; the connection breaks where the body did.
        assert answer.status in ANSWERS or (answer.status == 0 and None in request.pieces), told
        location = dict(answer.headers).get(b"location", b"/")
        assert location.startswith((b"/", house.base_url.encode())), told
        assert not location.startswith(b"//"), told

    with logged() as log:
        budget.spend(requests(path, methods, land, identities), try_one)
    check_log(log.lines, mira.secret, mira.machine_key, mira.visitor.session or "", mira.upload_url)
    assert ask(house, Request("GET", b"/readyz")).status == 200
