"""`serverInfo`: what of W&B's optional protocol this server speaks. Only what exists is named."""

from typing import Any

from runkey_server import __version__
from runkey_server.graphql.context import Info

# `wandb verify` compares its own version with these; a large maximum keeps it from calling a new client unsupported.
_CLIENTS = {"min_cli_version": "0.12.0", "max_cli_version": "99.0.0"}

_ANSWER = {
    "features": [{"name": "FILESTREAM_GZIP", "isEnabled": True}],
    "cliVersionInfo": _CLIENTS,
    "latestLocalVersionInfo": {
        "outOfDate": False,
        "latestVersionString": __version__,
        "versionOnThisInstanceString": __version__,
    },
    "version": __version__,
}


def _server_info(_: Any, __: Info) -> dict[str, Any]:
    return _ANSWER


RESOLVERS = {"Query": {"serverInfo": _server_info}}
