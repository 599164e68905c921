"""What the client asks a server: one function a question. Every answer that is not the expected one becomes an error of ours.

GraphQL goes to `POST /graphql` with `Authorization: Bearer KEY`. Whatever carries a key goes through `send`: before the first secret leaves
for a host, the server must sign a challenge. One that does not, or is another one than before, gets nothing.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from runkey import identity as signatures
from runkey import session, transport
from runkey.answers import Fields, parse
from runkey.answers import retry_after_seconds as retry_after_seconds
from runkey.credentials.model import Credential, Secret
from runkey.errors import AuthenticationError, ForbiddenError, ServerError, WrongServer
from runkey.settings import host_name
from runkey.terminal import printable
from runkey.transport import Reply
from runkey_wire import exports, identity
from runkey_wire.errors import Malformed

VIEWER_SECONDS = 10.0
PROOF_SECONDS = 2.5
"""For the proof, which comes first of all: within three seconds a person hears that nothing answers."""
EXPORT_SECONDS = 300.0
"""For each piece. Before the first, a server reads all of what is exported once, to find out which columns it has."""

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
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


def send(
    credential: Credential,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout_seconds: float = 30.0,
) -> Reply:
    """Send one request with a key, to a server that proved who it is. Raises WrongServer, ConnectionFailed, ServerError as `prove` does."""
    prove_once(credential.host, credential.server_id, timeout_seconds=min(PROOF_SECONDS, timeout_seconds))
    given = {"Authorization": f"Bearer {credential.secret.reveal()}", **(headers or {})}
    return transport.send(method, credential.host + path, headers=given, body=body, timeout_seconds=timeout_seconds)


def prove_once(host: str, expected_server_id: str | None, *, timeout_seconds: float = PROOF_SECONDS) -> str:
    """Have a server prove who it is, unless it did so in this process; give its id. Raises as `prove` does."""
    server_id = session.process.proved.get(host)
    if server_id is None or expected_server_id not in (None, server_id):
        server_id = prove(host, expected_server_id, timeout_seconds=timeout_seconds)
        session.process.proved[host] = server_id
    return server_id


def prove(host: str, expected_server_id: str | None, *, timeout_seconds: float = PROOF_SECONDS) -> str:
    """Have a server prove who it is; give its id.

    Raises WrongServer when it cannot, or is not the expected one; ConnectionFailed; ServerError for one that cannot answer now.
    """
    challenge = os.urandom(identity.CHALLENGE_BYTES)
    url = f"{host}{identity.PATH}?challenge={identity.encode(challenge)}"
    reply = transport.send("GET", url, headers={"Accept": "application/json"}, timeout_seconds=timeout_seconds)
    if reply.status in (429, 502, 503, 504):
        raise _cannot_now(host, reply)
    answer = parse(reply) if reply.status == 200 else None
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
    body = _body(document, variables)
    return _data(credential.host, send(credential, "POST", "/graphql", headers=_JSON, body=body, timeout_seconds=timeout_seconds))


def _body(document: str, variables: dict[str, Any] | None) -> bytes:
    return json.dumps({"query": document, "variables": variables}).encode()


def viewer(credential: Credential, *, timeout_seconds: float = VIEWER_SECONDS) -> dict[str, Any]:
    """Ask whose key this is: username, entity, email, admin, claimedEntities, currentApiKey (None, or as `list_keys` gives one).

    Raises as `graphql` does.
    """
    found = _ask(credential, _VIEWER, timeout_seconds=timeout_seconds).object("viewer")
    return {
        "username": found.name("username"),
        "entity": found.name("entity") if found.has("entity") else None,
        "email": found.text("email") if found.has("email") else None,
        "admin": found.flag("admin") if found.has("admin") else False,
        "claimedEntities": found.names("claimedEntities") if found.has("claimedEntities") else [],
        "currentApiKey": _key(found.object("currentApiKey")) if found.has("currentApiKey") else None,
    }


def list_keys(credential: Credential) -> list[dict[str, Any]]:
    """Give the account's keys. Raises as `graphql` does."""
    edges = _ask(credential, _KEYS).object("viewer").object("apiKeys").objects("edges")
    return [_key(edge.object("node")) for edge in edges]


def create_key(credential: Credential, *, description: str | None, expires_at: str | None) -> tuple[dict[str, Any], Secret]:
    """Make a key; give it and its secret. Raises as `graphql` does."""
    return _made(_ask(credential, _CREATE_KEY, {"description": description, "expiresAt": expires_at}).object("createApiKey"))


def rotate_key(credential: Credential, key_id: str | None = None) -> tuple[dict[str, Any], Secret]:
    """Replace a key, by default this one; give the new one and its secret. Raises as `graphql` does."""
    return _made(_ask(credential, _ROTATE_KEY, {"id": key_id}).object("rotateApiKey"))


def revoke_key(credential: Credential, key_id: str | None = None, *, timeout_seconds: float = 10.0) -> dict[str, Any]:
    """End a key, by default this one. Raises as `graphql` does."""
    return _key(_ask(credential, _REVOKE_KEY, {"id": key_id}, timeout_seconds=timeout_seconds).object("revokeApiKey").object("apiKey"))


class Started:
    """An account without a name that was just made. dashboard_url: whoever has it sees the account's pages."""

    __slots__ = ("account", "dashboard_url", "key_id", "secret", "until")

    def __init__(self, answer: Fields) -> None:
        """Read the server's answer. Raises ServerError for one that is none."""
        self.secret = answer.object("apiKey").key("name")
        self.key_id = answer.object("apiKey").name("id")
        self.account = answer.object("entity").name("name")
        self.until = answer.moment("anonymousUntil")
        self.dashboard_url = answer.link("dashboardUrl")


def create_anonymous_account(host: str, *, timeout_seconds: float = 10.0) -> Started:
    """Have a server make an account without a name.

    Raises ForbiddenError where the server does not let everybody, and as `graphql` does.
    """
    body = _body(_CREATE_ANONYMOUS, None)
    reply = transport.send("POST", f"{host}/graphql", headers=_JSON, body=body, timeout_seconds=timeout_seconds)
    return Started(Fields(host, _data(host, reply)).object("createAnonymousEntity"))


def create_claim_link(credential: Credential) -> tuple[str, str]:
    """Make a link by which somebody takes over an account without a name; give its address and its code. Raises as `graphql` does."""
    made = _ask(credential, _CREATE_CLAIM_LINK).object("createClaimLink")
    return made.link("claimUrl"), made.code("code")


def claim_runs(credential: Credential, code: str) -> dict[str, Any]:
    """Take over what an account without a name logged: entity, projects, runCount. Raises as `graphql` does."""
    claimed = _ask(credential, _CLAIM, {"code": code}).object("claimRuns")
    return {"entity": claimed.name("entity"), "projects": claimed.texts("projects"), "runCount": claimed.count("runCount")}


def list_machines(credential: Credential) -> list[dict[str, Any]]:
    """Give the account's machines; a machine's own key sees that one alone. Raises as `graphql` does."""
    return [_machine(each) for each in _ask(credential, _MACHINES).object("viewer").objects("machines")]


def revoke_machine(credential: Credential, machine_id: str) -> dict[str, Any]:
    """Send a machine away. Raises as `graphql` does."""
    return _machine(_ask(credential, _REVOKE_MACHINE, {"id": machine_id}).object("revokeMachine").object("machine"))


def rename_machine(credential: Credential, machine_id: str, name: str) -> dict[str, Any]:
    """Give a machine another name. Raises as `graphql` does."""
    return _machine(_ask(credential, _RENAME_MACHINE, {"id": machine_id, "name": name}).object("renameMachine").object("machine"))


def _ask(credential: Credential, document: str, variables: dict[str, Any] | None = None, *, timeout_seconds: float = 30.0) -> Fields:
    return Fields(credential.host, graphql(credential, document, variables, timeout_seconds=timeout_seconds))


def _made(answer: Fields) -> tuple[dict[str, Any], Secret]:
    return _key(answer.object("apiKey")), answer.key("secret")


def _key(answer: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {member: answer.name(member) for member in ("id", "kind", "state")}
    found |= {"name": answer.text("name"), "lastFour": answer.text("lastFour"), "createdAt": answer.moment("createdAt")}
    found["description"] = answer.text("description") if answer.has("description") else None
    for member in ("lastUsedAt", "expiresAt", "revokedAt"):
        found[member] = answer.moment(member) if answer.has(member) else None
    return found


def _machine(answer: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {"id": answer.name("id"), "state": answer.name("state")}
    for member in ("name", "osUser", "system", "address"):
        found[member] = answer.text(member)
    for member in ("createdAt", "joinedAt", "lastSeenAt"):
        found[member] = answer.moment(member) if answer.has(member) else None
    return found | {"runCount": answer.count("runCount"), "hosts": answer.texts("hosts"), "isThis": answer.flag("isThis")}


@contextmanager
def export(credential: Credential, entity: str, project: str, run: str | None, *, kind: str, file_format: str) -> Iterator[Iterator[bytes]]:
    """Fetch an export, piece by piece. Raises as `graphql` does; the pieces raise ConnectionFailed when they end before their end."""
    query = f"kind={kind}&format={file_format}"
    prove_once(credential.host, credential.server_id)
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
    answer = parse(reply)
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
    return f"status {reply.status} with {printable(kind)[:60] or 'no content type'}{by} answered there"


def _data(host: str, reply: Reply) -> dict[str, Any]:
    answer = parse(reply)
    sentence = _sentence(answer)
    if reply.status in (401, 403, 408, 429) or reply.status >= 500:
        _refuse(host, reply)
    if not isinstance(answer, dict):
        # Where something in between answers (a network's own sign-in page, a proxy without a server behind it), it passes.
        status = reply.status if reply.status >= 400 and reply.status != 404 else None
        raise ServerError(f"{host} does not answer as a runkey server does: {describe(reply)}.", status=status)
    problems = answer.get("errors")
    if problems:
        if _code(problems) == "FORBIDDEN":
            raise ForbiddenError(sentence or f"{host} does not allow this.")
        raise ServerError(sentence or f"{host} answered with an error.", status=reply.status)
    if reply.status != 200 or not isinstance(answer.get("data"), dict):
        raise ServerError(sentence or f"{host} answered with status {reply.status}.", status=reply.status)
    data: dict[str, Any] = answer["data"]
    return data


def _code(problems: Any) -> Any:
    """Give the code of the first of GraphQL's errors."""
    first = problems[0] if isinstance(problems, list) and problems else None
    extensions = first.get("extensions") if isinstance(first, dict) else None
    return extensions.get("code") if isinstance(extensions, dict) else None


def _refuse(host: str, reply: Reply) -> NoReturn:
    """Raise what an answer means that is none."""
    sentence = _sentence(parse(reply))
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
    """Give the server's own words about what is wrong, or say what answered, as a sentence."""
    words = _sentence(parse(reply)) or describe(reply)
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _sentence(answer: Any) -> str | None:
    """The server's own words about what is wrong."""
    if not isinstance(answer, dict):
        return None
    problems = answer.get("errors")
    if isinstance(problems, list) and problems and isinstance(problems[0], dict):
        return printable(str(problems[0].get("message")))[:500]
    return printable(str(answer["error"]))[:500] if isinstance(answer.get("error"), str) else None
