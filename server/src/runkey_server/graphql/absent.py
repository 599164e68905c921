"""What W&B's language has and ours does not, by subject: so that a refusal says what is missing, not which of its words."""

import re
from collections.abc import Iterable
from typing import Any

from graphql import GraphQLError

from runkey_server.graphql.context import Info

# How graphql-core says that a name of the document is none of the schema's.
_UNKNOWN = re.compile(r"^(?:Cannot query field|Unknown type|Unknown argument|Field) '(\w+)'")

# The first that fits; what is asked for together with a sweep or a queue is their business.
_SUBJECTS = (
    (re.compile(r"(?i)sweep|^(create)?agents?$|^agentHeartbeat$"), "There are no sweeps on this server yet."),
    (re.compile(r"(?i)trigger|automation"), "There are no automations on this server."),
    (re.compile(r"(?i)runQueue|resourceConfig|^(create|ack)?launch|^pushToRunQueue|jobRun"), "There are no launch queues on this server."),
    (re.compile(r"(?i)registr"), "There are no registries on this server."),
    (re.compile(r"(?i)^notifyScriptableRunAlert$|^AlertSeverity$"), "There are no alerts on this server yet."),
    (re.compile(r"(?i)^(upsert|delete)?views?$"), "There are no reports on this server."),
    (re.compile(r"(?i)integration"), "No other services are joined to this server."),
    (re.compile(r"(?i)customChart"), "Charts of one's own cannot be kept on this server; those that a run logs are shown."),
    (re.compile(r"(?i)^createUser"), "Accounts are made on this server by its operator (runkey-server user create)."),
    (re.compile(r"(?i)team|invite|serviceAccount"), "There are no teams on this server yet."),
    (re.compile(r"(?i)organi[sz]ation"), "There are no organizations on this server."),
)


def say(problems: Iterable[GraphQLError]) -> str | None:
    """Say what a document that does not fit the schema asked for; None when it is nothing that is known to be missing."""
    names = [found[1] for problem in problems if (found := _UNKNOWN.match(problem.message))]
    for pattern, sentence in _SUBJECTS:
        asked = next((name for name in names if pattern.search(name)), None)
        if asked is not None:
            return f"{sentence} (It was asked for as {asked}.)"
    return None


def _nothing(_: Any, __: Info, **___: Any) -> dict[str, Any]:
    return {"edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}


def _none(_: Any, __: Info) -> int:
    return 0


RESOLVERS: dict[str, dict[str, Any]] = {
    "Project": {"totalSweeps": _none, "sweeps": _nothing, "allViews": _nothing},
    "Entity": {"integrations": _nothing},
}
