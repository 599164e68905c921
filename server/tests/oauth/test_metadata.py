"""RFC 8414, one test a line: what the metadata says is so, and what is so is in it."""

import urllib.parse
from typing import Any

import pytest
from house import House

from runkey_wire import device_authorization as wire

PATH = "/.well-known/oauth-authorization-server"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint", "revocation_endpoint")
GRANTS = (
    "authorization_code",
    wire.DEVICE_GRANT,
    "implicit",
    "password",
    "client_credentials",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)


def told(house: House, **headers: str) -> dict[str, Any]:
    answer = house.client.get(PATH, headers=headers)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.holds("RFC 8414 3")
@pytest.mark.holds("RFC 8414 3.2")
def test_it_is_at_its_place_and_is_json_that_a_client_may_keep(house: House) -> None:
    assert urllib.parse.urlsplit(house.base_url).path == "", "an issuer with a path would have another place"
    answer = house.client.get(PATH)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "private, max-age=300"
    assert "set-cookie" not in answer.headers
    assert all(value not in (None, [], "") for value in answer.json().values()), "what is empty is left out"
    assert house.client.get(PATH + "/other").status_code != 200


@pytest.mark.holds("RFC 8414 3.3")
def test_the_issuer_is_the_address_that_was_asked_to_the_letter(house: House, public_house: House) -> None:
    for here in (house, public_house):
        assert told(here)["issuer"] == here.base_url
        # Nothing that a request says makes it another one.
        assert told(here, **{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.example"}) == (
            told(here) | {wire.ANONYMOUS_SUPPORTED: False}
        )
        assert here.client.get(PATH, headers={"Host": "evil.example"}).status_code == 421
    assert told(house, Host="localhost:8080")["issuer"] == house.base_url
    assert public_house.client.get(PATH, headers={"Host": "127.0.0.1"}).status_code == 421


@pytest.mark.holds("RFC 8414 2")
def test_every_address_in_it_is_https_where_the_issuer_is(public_house: House) -> None:
    metadata = told(public_house)
    for name in ("issuer", *ENDPOINTS):
        parts = urllib.parse.urlsplit(metadata[name])
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "track.example.org", "", ""), name
    codes = public_house.client.post("/oauth/device_authorization", data={"client_id": "runkey"}).json()
    for name in ("verification_uri", "verification_uri_complete"):
        assert codes[name].startswith("https://track.example.org/device"), name


@pytest.mark.holds("RFC 8414 2")
@pytest.mark.holds("RFC 8628 4")
def test_every_endpoint_in_it_answers_and_none_is_left_out(house: House) -> None:
    metadata = told(house)
    listed = {metadata[name].removeprefix(house.base_url) for name in ENDPOINTS}
    assert listed == {path for path in house.routes if path.startswith("/oauth/")}
    assert {name for name in metadata if name.endswith("_endpoint")} == set(ENDPOINTS)
    for name in ENDPOINTS:
        path = metadata[name].removeprefix(house.base_url)
        answer = house.client.get(path) if name == "authorization_endpoint" else house.client.post(path, data={})
        assert answer.status_code == 400, name


@pytest.mark.holds("RFC 8414 2")
@pytest.mark.parametrize("grant", GRANTS)
def test_a_grant_is_listed_if_and_only_if_it_is_given(house: House, grant: str) -> None:
    form = {"client_id": "runkey", "grant_type": grant, "username": "mira", "password": "x", "refresh_token": "x", "assertion": "x.y.z"}
    error = house.client.post("/oauth/token", data=form).json()["error"]
    assert (error != "unsupported_grant_type") == (grant in told(house)["grant_types_supported"])


@pytest.mark.holds("RFC 8414 2")
def test_the_lists_are_what_the_endpoints_take(house: House) -> None:
    metadata = told(house)
    mira = house.visitor().sign_up("mira")

    def error_of(**more: str) -> str | None:
        query = {
            "response_type": "code",
            "client_id": "runkey",
            "redirect_uri": "http://127.0.0.1:49152/callback",
            "state": "s",
            "code_challenge": "c" * 43,
            "code_challenge_method": "S256",
        }
        answer = mira.get("/oauth/authorize?" + urllib.parse.urlencode(query | more))
        if answer.status_code == 200:
            return None
        sent = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["location"]).query))
        assert sent["iss"] == metadata["issuer"], "as authorization_response_iss_parameter_supported says"
        return sent["error"]

    for response_type in ("code", "token", "id_token", "code token", "none"):
        assert (error_of(response_type=response_type) is None) == (response_type in metadata["response_types_supported"])
    for method in ("S256", "plain", "s256", "S512"):
        assert (error_of(code_challenge_method=method) is None) == (method in metadata["code_challenge_methods_supported"])
    for scope in ("runs", "admin", "openid", "runs admin"):
        assert (error_of(scope=scope) is None) == (scope in metadata["scopes_supported"])
        asked = house.client.post("/oauth/device_authorization", data={"client_id": "runkey", "scope": scope})
        assert (asked.status_code == 200) == (scope in metadata["scopes_supported"])
    assert metadata["response_modes_supported"] == ["query"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    # No client has a secret: one that sends some is neither asked for it nor let in by it.
    assert metadata["token_endpoint_auth_methods_supported"] == metadata["revocation_endpoint_auth_methods_supported"] == ["none"]
    form = {"grant_type": wire.DEVICE_GRANT, "device_code": "x"}
    with_basic = house.client.post("/oauth/token", data=form, headers={"Authorization": "Basic cnVua2V5Og=="})
    assert with_basic.json()["error"] == "invalid_client"
