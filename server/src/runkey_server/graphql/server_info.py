"""`serverInfo`: what of W&B's optional protocol this server speaks. Only what exists is named."""

from typing import Any

from runkey_server import __version__
from runkey_server.graphql.context import Info

# `wandb verify` compares its own version with these; a large maximum keeps it from calling a new client unsupported.
_CLIENTS = {"min_cli_version": "0.12.0", "max_cli_version": "99.0.0"}

_FEATURES = (
    "ARTIFACT_COLLECTIONS_FILTERING_SORTING",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILES",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILE_DOWNLOAD_HANDLER",
    "ARTIFACT_MEMBERSHIP_IN_LINK_ARTIFACT_RESPONSE",
    "ARTIFACT_TAGS",
    "ARTIFACT_V2_DOWNLOAD_HANDLER_SUPPORTS_ARTIFACT_ID",
    "CLIENT_IDS",
    "FILESTREAM_GZIP",
    "LARGE_FILENAMES",
    "PROJECT_ARTIFACT_COLLECTION_MEMBERSHIP",
    "TOTAL_COUNT_IN_FILE_CONNECTION",
    "USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION",
)

_ANSWER = {
    "features": [{"name": name, "isEnabled": True} for name in _FEATURES],
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
