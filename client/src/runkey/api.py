"""What the client asks a server: one function a question. Every answer that is not the expected one becomes an error of ours.

GraphQL goes to `POST /graphql` with `Authorization: Bearer KEY`. Before the first secret leaves for a host, `prove` has the server sign a
challenge: a host that does not, or is another one than before, gets nothing.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from runkey import identity as signatures
from runkey import transport
from runkey.credentials.model import Credential
from runkey.errors import AuthenticationError, ForbiddenError, ServerError, WrongServer
from runkey.settings import host_name
from runkey.terminal import printable
from runkey.transport import Reply
from runkey_wire import exports, identity
from runkey_wire.errors import Malformed

VIEWER_SECONDS = 10.0
EXPORT_SECONDS = 300.0
"""For each piece. Before the first, a server reads all of what is exported once, to find out which columns it has."""

_KEY = "id name description kind lastFour state createdAt lastUsedAt expiresAt revokedAt"
_VIEWER = f"query Viewer {{ viewer {{ id username entity email admin claimedEntities currentApiKey {{ {_KEY} }} }} }}"
_KEYS = f"query Keys {{ viewer {{ apiKeys {{ edges {{ node {{ {_KEY} }} }} }} }} }}"
_CREATE_KEY = (
    "mutation CreateApiKey($description: String, $expiresAt: DateTime) {"
    " createApiKey(input: {description: $description, expiresAt: $expiresAt})"
    f" {{ apiKey {{ {_KEY} }} secret }} }}"
)
_ROTATE_KEY = f"mutation RotateApiKey($id: ID) {{ rotateApiKey(input: {{id: $id}}) {{ apiKey {{ {_KEY} }} secret }} }}"
_REVOKE_KEY = f"mutation RevokeApiKey($id: ID) {{ revokeApiKey(input: {{id: $id}}) {{ apiKey {{ {_KEY} }} }} }}"
_CREATE_ANONYMOUS = (
    "mutation CreateAnonymousEntity { createAnonymousEntity(input: {}) {"
    " apiKey { id name } entity { name } anonymousUntil dashboardUrl claimUrl } }"
)
_CREATE_CLAIM_LINK = "mutation CreateClaimLink { createClaimLink(input: {}) { code claimUrl } }"
_CLAIM = "mutation ClaimRuns($code: String!) { claimRuns(input: {code: $code}) { entity projects runCount } }"
_MACHINE = "id name osUser system address state createdAt joinedAt lastSeenAt runCount hosts isThis"
_MACHINES = f"query Machines {{ viewer {{ machines {{ {_MACHINE} }} }} }}"
_REVOKE_MACHINE = f"mutation RevokeMachine($id: ID!) {{ revokeMachine(input: {{id: $id}}) {{ machine {{ {_MACHINE} }} }} }}"
_RENAME_MACHINE = (
    f"mutation RenameMachine($id: ID!, $name: String!) {{ renameMachine(input: {{id: $id, name: $name}}) {{ machine {{ {_MACHINE} }} }} }}"
)


def prove(host: str, expected_server_id: str | None, *, timeout_seconds: float = 5.0) -> str:
    """Have a server prove who it is; give its id.

    Raises WrongServer when it cannot, or is not the expected one; ConnectionFailed; ServerError for one that cannot answer now.
    """
    challenge = os.urandom(identity.CHALLENGE_BYTES)
    url = f"{host}{identity.PATH}?challenge={identity.encode(challenge)}"
    reply = transport.send("GET", url, headers={"Accept": "application/json"}, timeout_seconds=timeout_seconds)
    if reply.status in (429, 502, 503, 504):
        raise _cannot_now(host, reply)
    answer = _json(reply) if reply.status == 200 else None
    if not isinstance(answer, dict) or "public_key" not in answer:
        raise WrongServer(f"{host} is not a runkey server: {describe(reply)}. Nothing secret was sent to it. Check the address.")
    try:
        public_key = identity.decode(str(answer.get("public_key")), 32, "public_key")
        signature = identity.decode(str(answer.get("signature")), 64, "signature")
    except Malformed as malformed:
        raise WrongServer(f"{host} does not answer as a runkey server does: {malformed}.") from None
    if not signatures.is_signed(public_key, identity.message(host_name(host), challenge), signature):
        raise WrongServer(
            f"{host} cannot prove which server it is: its signature does not fit the name {host_name(host)!r}. Somebody may stand "
            "between you and it. Nothing secret was sent."
        )
    server_id = identity.server_id(public_key)
    if expected_server_id not in (None, server_id):
        raise WrongServer(
            f"{host} is another server than the one you logged in to (it was {expected_server_id}, it is {server_id}). Nothing was "
            f"sent. If it was set up anew, log in again: runkey login --host {host} --relogin"
        )
    return server_id


def graphql(
    credential: Credential, document: str, variables: dict[str, Any] | None = None, *, timeout_seconds: float = 30.0
) -> dict[str, Any]:
    """Ask one GraphQL operation; give its data.

    Raises AuthenticationError when the credential is refused, ForbiddenError, ServerError with the server's sentence, ConnectionFailed.
    """
    return _ask(credential.host, document, variables, {"Authorization": f"Bearer {credential.secret.reveal()}"}, timeout_seconds)


def _ask(host: str, document: str, variables: dict[str, Any] | None, headers: dict[str, str], timeout_seconds: float) -> dict[str, Any]:
    reply = transport.send(
        "POST",
        f"{host}/graphql",
        headers={"Content-Type": "application/json", "Accept": "application/json", **headers},
        body=json.dumps({"query": document, "variables": variables}).encode(),
        timeout_seconds=timeout_seconds,
    )
    return _data(host, reply)


def viewer(credential: Credential, *, timeout_seconds: float = VIEWER_SECONDS) -> dict[str, Any]:
    """Ask whose key this is: username, entity, email, admin, currentApiKey. Raises as `graphql` does."""
    found = graphql(credential, _VIEWER, timeout_seconds=timeout_seconds).get("viewer")
    if not isinstance(found, dict):
        raise ServerError(f"{credential.host} did not say whose key this is.")
    return found


def list_keys(credential: Credential) -> list[dict[str, Any]]:
    """Give the account's keys. Raises as `graphql` does."""
    edges = graphql(credential, _KEYS)["viewer"]["apiKeys"]["edges"]
    return [edge["node"] for edge in edges]


def create_key(credential: Credential, *, description: str | None, expires_at: str | None) -> tuple[dict[str, Any], str]:
    """Make a key; give it and its secret. Raises as `graphql` does."""
    made = graphql(credential, _CREATE_KEY, {"description": description, "expiresAt": expires_at})["createApiKey"]
    return made["apiKey"], made["secret"]


def rotate_key(credential: Credential, key_id: str | None = None) -> tuple[dict[str, Any], str]:
    """Replace a key, by default this one; give the new one and its secret. Raises as `graphql` does."""
    made = graphql(credential, _ROTATE_KEY, {"id": key_id})["rotateApiKey"]
    return made["apiKey"], made["secret"]


def revoke_key(credential: Credential, key_id: str | None = None, *, timeout_seconds: float = 10.0) -> dict[str, Any]:
    """End a key, by default this one. Raises as `graphql` does."""
    ended = graphql(credential, _REVOKE_KEY, {"id": key_id}, timeout_seconds=timeout_seconds)["revokeApiKey"]
    found: dict[str, Any] = ended["apiKey"]
    return found


def create_anonymous_account(host: str, *, timeout_seconds: float = 10.0) -> dict[str, Any]:
    """Have a server make an account without a name: apiKey { id name: the secret }, entity, anonymousUntil, dashboardUrl, claimUrl.

    Raises ForbiddenError where the server does not let everybody, and as `graphql` does.
    """
    made: dict[str, Any] = _ask(host, _CREATE_ANONYMOUS, None, {}, timeout_seconds)["createAnonymousEntity"]
    return made


def create_claim_link(credential: Credential) -> tuple[str, str]:
    """Make a link by which somebody takes over an account without a name; give its address and its code. Raises as `graphql` does."""
    made = graphql(credential, _CREATE_CLAIM_LINK)["createClaimLink"]
    return made["claimUrl"], made["code"]


def claim_runs(credential: Credential, code: str) -> dict[str, Any]:
    """Take over what an account without a name logged: entity, projects, runCount. Raises as `graphql` does."""
    claimed: dict[str, Any] = graphql(credential, _CLAIM, {"code": code})["claimRuns"]
    return claimed


def list_machines(credential: Credential) -> list[dict[str, Any]]:
    """Give the account's machines; a machine's own key sees that one alone. Raises as `graphql` does."""
    found: list[dict[str, Any]] = graphql(credential, _MACHINES)["viewer"]["machines"]
    return found


def revoke_machine(credential: Credential, machine_id: str) -> dict[str, Any]:
    """Send a machine away. Raises as `graphql` does."""
    found: dict[str, Any] = graphql(credential, _REVOKE_MACHINE, {"id": machine_id})["revokeMachine"]["machine"]
    return found


def rename_machine(credential: Credential, machine_id: str, name: str) -> dict[str, Any]:
    """Give a machine another name. Raises as `graphql` does."""
    found: dict[str, Any] = graphql(credential, _RENAME_MACHINE, {"id": machine_id, "name": name})["renameMachine"]["machine"]
    return found


@contextmanager
def export(credential: Credential, entity: str, project: str, run: str | None, *, kind: str, file_format: str) -> Iterator[Iterator[bytes]]:
    """Fetch an export, piece by piece. Raises as `graphql` does; the pieces raise ConnectionFailed when they end before their end."""
    query = f"kind={kind}&format={file_format}"
    url = f"{credential.host}{exports.path(entity, project, run)}?{query}"
    headers = {"Authorization": f"Bearer {credential.secret.reveal()}", "Accept-Encoding": "identity"}
    with transport.download(url, headers=headers, timeout_seconds=EXPORT_SECONDS) as answer:
        if answer.status != 200:
            _refuse(credential.host, answer.reply())
        yield answer.pieces()


def is_runkey_server(host: str, *, timeout_seconds: float = 1.0) -> bool:
    """Tell whether a runkey server answers at a host, without sending it anything."""
    try:
        reply = transport.send("GET", f"{host}/healthz", timeout_seconds=timeout_seconds)
    except Exception:
        return False
    answer = _json(reply)
    return isinstance(answer, dict) and answer.get("service") == "runkey-server"


def describe(reply: Reply) -> str:
    """Say what answered, in a few words that are safe to print."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    title = re.search(rb"<title[^>]*>(.*?)</title>", reply.body[:20_000], re.IGNORECASE | re.DOTALL)
    if title:
        words = " ".join(title.group(1).decode(errors="replace").split())
        return f"an HTML page titled “{printable(words)[:80]}” answered there (status {reply.status})"
    if "location" in reply.headers and 300 <= reply.status < 400:
        return f"it redirects to {printable(reply.headers['location'])[:100]}, which is not followed"
    software = printable(reply.headers.get("server", ""))[:40]
    by = f" by {software}" if software else ""
    return f"status {reply.status} with {kind or 'no content type'}{by} answered there"


def _data(host: str, reply: Reply) -> dict[str, Any]:
    answer = _json(reply)
    sentence = _sentence(answer)
    if reply.status in (401, 403, 408, 429) or reply.status >= 500:
        _refuse(host, reply)
    if not isinstance(answer, dict):
        raise ServerError(f"{host} does not answer as a runkey server does: {describe(reply)}.", status=reply.status)
    problems = answer.get("errors")
    if problems:
        code = ((problems[0] or {}).get("extensions") or {}).get("code") if isinstance(problems, list) else None
        if code == "FORBIDDEN":
            raise ForbiddenError(sentence or f"{host} does not allow this.")
        raise ServerError(sentence or f"{host} answered with an error.", status=reply.status)
    if reply.status != 200 or not isinstance(answer.get("data"), dict):
        raise ServerError(sentence or f"{host} answered with status {reply.status}.", status=reply.status)
    data: dict[str, Any] = answer["data"]
    return data


def _refuse(host: str, reply: Reply) -> NoReturn:
    """Raise what an answer means that is none."""
    sentence = _sentence(_json(reply))
    if reply.status == 401:
        raise AuthenticationError(f"{host} refused the key: {sentence or 'it is unknown, revoked or expired'}.")
    if reply.status == 403:
        raise ForbiddenError(sentence or f"{host} does not allow this.")
    if reply.status in (408, 429) or reply.status >= 500:
        raise _cannot_now(host, reply)
    raise ServerError(sentence or f"{host} does not answer as a runkey server does: {describe(reply)}.", status=reply.status)


def _cannot_now(host: str, reply: Reply) -> ServerError:
    return ServerError(
        f"{host} cannot answer now: {sentence_of(reply)}", status=reply.status, retry_after_seconds=retry_after_seconds(reply)
    )


def sentence_of(reply: Reply) -> str:
    """Give the server's own words about what is wrong, or say what answered."""
    return _sentence(_json(reply)) or describe(reply)


def retry_after_seconds(reply: Reply) -> float | None:
    """Read Retry-After; seconds are all that our server sends."""
    try:
        return max(0.0, float(reply.headers.get("retry-after", "")))
    except ValueError:
        return None


def _sentence(answer: Any) -> str | None:
    """The server's own words about what is wrong."""
    if not isinstance(answer, dict):
        return None
    problems = answer.get("errors")
    if isinstance(problems, list) and problems and isinstance(problems[0], dict):
        return printable(str(problems[0].get("message")))[:500]
    return printable(str(answer["error"]))[:500] if isinstance(answer.get("error"), str) else None


def _json(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
