"""One file_stream request on the wire: its address, its bytes (gzip where the server takes it), and what its answer means."""

import urllib.parse
import zlib

from runkey import api
from runkey.answers import parse
from runkey.credentials.model import Credential
from runkey.errors import AuthenticationError, Error, ServerError
from runkey_wire import file_stream
from runkey_wire.file_stream import FileStreamRequest

MAX_LINE_BYTES = 4 * 1024 * 1024
MAX_BODY_BYTES = 2 * 1024 * 1024
"""Of lines in one request, or one line that is longer. Quoted once more each byte is at most two: below what the server takes, 16 MiB."""

_FEATURES = "query ServerFeaturesQuery { serverInfo { features { name isEnabled } } }"
_FEATURES_SECONDS = 5.0
_gzip_of: dict[str, bool] = {}
_GZIP_FROM_BYTES = 1_000
_GZIP_LEVEL = 1  # three times smaller already, of full noise; a higher one costs the training's CPU more than it saves
_GZIP_FORMAT = 31


class Poster:
    """Posts the requests of one run. path: entity, project, run id."""

    def __init__(self, path: tuple[str, str, str]) -> None:
        """Nothing is asked yet."""
        self._path = "/".join(urllib.parse.quote(part, safe="") for part in path)

    def post(self, credential: Credential, request: FileStreamRequest, timeout_seconds: float) -> bool:
        """Send one; tell whether the run is asked to stop. Raises AuthenticationError, ConnectionFailed, ServerError with its status."""
        host = credential.host
        body = file_stream.encode(request)
        headers = {"Content-Type": "application/json"}
        if len(body) >= _GZIP_FROM_BYTES and _takes_gzip(credential):
            packer = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_FORMAT)
            body = packer.compress(body) + packer.flush()
            headers["Content-Encoding"] = "gzip"
        path = f"/files/{self._path}/file_stream"
        reply = api.send(credential, "POST", path, headers=headers, body=body, timeout_seconds=timeout_seconds)
        if reply.status == 401:
            raise AuthenticationError(f"{host} refused the key.")
        answer = parse(reply)
        if not isinstance(answer, dict) and (reply.status < 400 or reply.status == 404):
            # Something in between: a network's own sign-in page says 200 or leads elsewhere, a proxy without a server behind it 404.
            raise ServerError(f"{host} does not answer as a runkey server does: {api.describe(reply)}.")
        if reply.status != 200:
            raise ServerError(
                f"{host} answered a request of this run with: {api.sentence_of(reply)}",
                status=reply.status,
                retry_after_seconds=api.retry_after_seconds(reply),
            )
        assert isinstance(answer, dict)
        if answer.get("error") or answer.get("errors"):
            raise ServerError(f"{host} answered a request of this run with: {api.sentence_of(reply)}")
        return answer.get("stopped") is True


def _takes_gzip(credential: Credential) -> bool:
    """Whether the server says that it takes gzip; asked once a process. One that cannot be asked is sent plain bytes."""
    host = credential.host
    if host not in _gzip_of:
        try:
            features = api.graphql(credential, _FEATURES, timeout_seconds=_FEATURES_SECONDS)["serverInfo"]["features"]
            _gzip_of[host] = any(each["name"] == "FILESTREAM_GZIP" and each["isEnabled"] is True for each in features)
        except (Error, TypeError, KeyError):
            return False
    return _gzip_of[host]
