"""An OAuth client that knows nothing of us (Authlib), by the metadata alone: both grants, polling as the RFC says, and revocation."""

import json
import threading
import time
import urllib.parse

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from outside import Server, eventually
from surfing import Surfer

pytestmark = pytest.mark.story

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="module")
def mira(server: Server) -> Surfer:
    return Surfer(server).sign_up("mira")


@pytest.fixture
def metadata(server: Server) -> dict[str, object]:
    return json.loads(server.get("/.well-known/oauth-authorization-server")[1])


def session(metadata: dict[str, object], **more: object) -> OAuth2Session:
    client = OAuth2Session("runkey", scope="runs", token_endpoint_auth_method="none", metadata=metadata, **more)
    client.trust_env = False  # no proxy of this machine's
    return client


def who(server: Server, token: dict[str, object]) -> object:
    _, answer = server.post("/graphql", {"query": "{ viewer { username currentApiKey { kind } } }"}, str(token["access_token"]))
    return json.loads(answer)["data"]["viewer"]


def test_the_device_code_grant_by_polling(server: Server, mira: Surfer, metadata: dict) -> None:
    client = session(metadata)
    asked = client.post(metadata["device_authorization_endpoint"], data={"client_id": "runkey", "scope": "runs"}, withhold_token=True)
    codes = asked.json()
    interval = codes["interval"]
    # The person needs a while; every poll before that is told to wait, by the error codes that the library knows.
    decide = threading.Timer(interval + 1, mira.approve, (codes["user_code"],))
    decide.start()
    said = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            token = client.fetch_token(metadata["token_endpoint"], grant_type=DEVICE_GRANT, device_code=codes["device_code"])
            break
        except OAuthError as error:
            said.append(error.error)
            interval += 5 if error.error == "slow_down" else 0
            time.sleep(interval)
    decide.join()
    assert set(said) == {"authorization_pending"}
    assert (token["token_type"], token["scope"]) == ("Bearer", "runs")
    assert who(server, token) == {"username": "mira", "currentApiKey": {"kind": "machine"}}

    ended = client.revoke_token(metadata["revocation_endpoint"], token=token["access_token"])
    assert ended.status_code == 200
    eventually(lambda: server.post("/graphql", {"query": "{ viewer { id } }"}, token["access_token"])[0] == 401, 1)


def test_the_authorization_code_grant_with_pkce(server: Server, mira: Surfer, metadata: dict) -> None:
    client = session(metadata, redirect_uri="http://127.0.0.1:49152/callback", code_challenge_method="S256")
    verifier = "v" * 43
    address, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    answer = mira.post("/oauth/authorize", at=address.removeprefix(server.url), decision="approve", **query)
    token = client.fetch_token(metadata["token_endpoint"], authorization_response=answer.location, code_verifier=verifier, state=state)
    assert token["account"] == "mira"
    assert who(server, token) == {"username": "mira", "currentApiKey": {"kind": "machine"}}
