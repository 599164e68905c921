"""The thread that merges what waits into file_stream requests and posts them.

One request at a time, from the queue's offset on, so a request whose answer was lost is simply sent again. Transient answers (408, 429,
5xx but 501, no connection) are waited out, honouring Retry-After. A refused key (401) holds everything back until another of the same
server and account comes: by a login in this process, or by one in another terminal, which is looked for every few seconds. Other answers
are final, and said once.
"""

import json
import random
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any, Protocol

from runkey import api
from runkey.clock import Clock
from runkey.credentials.model import Credential
from runkey.errors import AuthenticationError, ConnectionFailed, Error, ServerError
from runkey.stream.queueing import Queue
from runkey.transport import Reply
from runkey_wire import file_stream
from runkey_wire.file_stream import Chunk, FileStreamRequest

FLUSH_SECONDS = 1.0
HEARTBEAT_SECONDS = 30.0
LOOK_FOR_KEY_SECONDS = 5.0
MAX_BODY_CHARACTERS = 2 * 1024 * 1024
"""A character of a line is at most four bytes on the wire, so with this many a body stays below the server's 16 MiB, whatever they are."""

_REQUEST_SECONDS = 60.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.5, 30.0
# Final for one request and so for the run: what RFC 9110 calls the client's fault, without those that pass.
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


class Source(Protocol):
    """What the sender asks the run for: the parts of it that are sent whole when they changed."""

    def take_summary(self) -> str | None:
        """Give the summary as JSON when it changed since the last time, else None."""

    def take_config(self) -> str | None:
        """Give the config as JSON when it changed since the last time, else None."""


class Sender:
    """Carries one run. say: for a person. stop: called when the server asks the run to stop."""

    def __init__(
        self,
        queue: Queue,
        source: Source,
        credential: Credential,
        path: tuple[str, str, str],
        *,
        clock: Clock,
        say: Callable[[str], None],
        stop: Callable[[], None],
        find_credential: Callable[[Credential], Credential | None],
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        """path: entity, project, run id. find_credential: looks for another key of the same server and account."""
        self._queue = queue
        self._source = source
        self._credential = credential
        self._path = path
        self._clock = clock
        self._say = say
        self._stop = stop
        self._find_credential = find_credential
        self._flush_seconds = flush_seconds
        self._wake = threading.Condition()
        self._hurry = False
        self._finishing: int | None = None
        self._is_refused = False
        self._looked_in_vain = False
        self._was_told_to_stop = False
        self._summary: str | None = None
        self._config: str | None = None
        self._failures = 0
        self._was_away = False
        self.failure: str | None = None
        self.is_done = False
        self._thread = threading.Thread(target=self._run, name="runkey-sender", daemon=True)

    def start(self) -> None:
        """Begin sending."""
        self._thread.start()

    def hurry(self) -> None:
        """Send soon, without waiting for the next turn."""
        with self._wake:
            self._hurry = True
            self._wake.notify()

    def adopt(self, credential: Credential) -> None:
        """Go on with this credential, and send what was held back."""
        with self._wake:
            self._credential = credential
            self._is_refused = False
            self._failures = 0
            self._hurry = True
            self._wake.notify()

    def finish(self, exit_code: int, timeout_seconds: float, waiting: Callable[[int], None]) -> bool:
        """Send everything and the run's last word; whether all of it was acknowledged in time.

        waiting(lines left) is called while it lasts.
        """
        with self._wake:
            self._finishing = exit_code
            self._looked_in_vain = False
            self._hurry = True
            self._wake.notify()
        deadline = self._clock.monotonic() + timeout_seconds
        while self._thread.is_alive() and self._clock.monotonic() < deadline and not self._must_give_up():
            self._thread.join(0.25)
            if self._thread.is_alive():
                waiting(len(self._queue))
        return self.is_done

    def _must_give_up(self) -> bool:
        return self._is_refused and self._looked_in_vain

    def _run(self) -> None:
        try:
            last_sent = self._clock.monotonic()
            while not self.is_done and self.failure is None:
                self._wait(last_sent)
                if self._is_refused and not self._look_for_credential():
                    continue
                due = self._clock.monotonic() - last_sent >= HEARTBEAT_SECONDS
                if due or self._has_news():
                    self._send_once()
                    last_sent = self._clock.monotonic()
        except Exception as fault:  # training must go on whatever this thread meets
            self.failure = f"internal fault ({type(fault).__name__})"
            self._say(f"Logging stopped by an {self.failure}; training goes on. What was not sent is lost with this process.")

    def _wait(self, last_sent: float) -> None:
        with self._wake:
            if self._is_refused:
                seconds = LOOK_FOR_KEY_SECONDS
            elif self._failures:
                seconds = self._retry_seconds
            else:
                seconds = self._flush_seconds
            if not self._hurry:
                self._wake.wait(seconds)
            self._hurry = False

    def _has_news(self) -> bool:
        self._summary = self._source.take_summary() or self._summary
        self._config = self._source.take_config() or self._config
        return bool(len(self._queue) or self._summary or self._config or self._finishing is not None)

    def _send_once(self) -> None:
        """Send one request, and learn from its answer."""
        credential = self._credential
        try:
            if self._config is not None:
                self._send_config(credential, self._config)
            more = self._send_stream(credential)
        except AuthenticationError:
            self._refused(credential)
            return
        except Error as error:
            if _passes(error):
                self._again(error)
            else:
                self._final(str(error))
            return
        if self._was_away:
            self._say("The server answers again; what was held back is being sent.")
        self._failures, self._was_away = 0, False
        if more:
            self._hurry = True

    def _send_config(self, credential: Credential, config: str) -> None:
        """Send a changed config. A server that will not take it is told of, and costs no row."""
        entity, project, run_id = self._path
        variables = {"entity": entity, "project": project, "name": run_id, "config": config}
        self._config = None
        try:
            api.graphql(credential, UPSERT_CONFIG, variables, timeout_seconds=_REQUEST_SECONDS)
        except Error as error:
            if isinstance(error, AuthenticationError) or _passes(error):
                self._config = config
                raise
            self._say(f"The changed config was not taken: {error} Rows are sent on.")

    def _send_stream(self, credential: Credential) -> bool:
        """Post what waits; whether there is more. Raises AuthenticationError, ConnectionFailed, ServerError with its status."""
        summary = self._summary
        room = MAX_BODY_CHARACTERS - len(summary or "")
        offset, lines = self._queue.peek(max(room, 0))
        more = offset + len(lines) < self._queue.offset + len(self._queue)
        files = {}
        if lines:
            files[file_stream.HISTORY] = Chunk(offset, lines)
        if summary is not None:
            files[file_stream.SUMMARY] = Chunk(0, (summary,))
        last = self._finishing is not None and not more
        request = FileStreamRequest(files=files, complete=last, exit_code=self._finishing if last else None)
        reply = self._post(credential, request)
        self._queue.acknowledge(len(lines))
        if self._summary is summary:
            self._summary = None
        if _is_stop(reply) and not self._was_told_to_stop:
            self._was_told_to_stop = True
            self._stop()
        self.is_done = last
        return more or (self._finishing is not None and not last)

    def _post(self, credential: Credential, request: FileStreamRequest) -> Reply:
        host = credential.host
        path = "/".join(urllib.parse.quote(part, safe="") for part in self._path)
        reply = api.send(
            credential,
            "POST",
            f"/files/{path}/file_stream",
            headers={"Content-Type": "application/json"},
            body=json.dumps(file_stream.build(request), ensure_ascii=False).encode("utf-8", "replace"),
            timeout_seconds=_REQUEST_SECONDS,
        )
        if reply.status == 401:
            raise AuthenticationError(f"{host} refused the key.")
        if reply.status != 200:
            raise ServerError(
                f"{host} answered a request of this run with: {api.sentence_of(reply)}",
                status=reply.status,
                retry_after_seconds=api.retry_after_seconds(reply),
            )
        return reply

    def _refused(self, credential: Credential) -> None:
        with self._wake:
            if self._credential is not credential:  # another was adopted while this one was being refused
                self._hurry = True
                return
            self._is_refused = True
            # One that is finishing looks at once, and once.
            self._hurry = self._finishing is not None
        self._say(
            f"{credential.host} refused the key of this run: it was revoked, or its account disabled. Training goes on and what is "
            "logged is held back. Run `runkey login` in another terminal, or runkey.login() here, and it is sent."
        )

    def _look_for_credential(self) -> bool:
        found = self._find_credential(self._credential)
        if found is not None:
            self.adopt(found)
            self._say("Another key was found; this run goes on with it.")
        elif self._finishing is not None:
            self._looked_in_vain = True
        return not self._is_refused

    def _final(self, message: str) -> None:
        self.failure = message
        self._say(f"{message} Nothing more of this run is sent; training goes on. {len(self._queue)} rows were not sent.")

    def _again(self, error: Error) -> None:
        self._failures += 1
        longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2 ** min(self._failures - 1, 10))
        asked = getattr(error, "retry_after_seconds", None) or 0.0
        # Spread, so that a thousand runs do not come back in the same instant.
        self._retry_seconds = max(asked, longest * random.uniform(0.5, 1.0))  # noqa: S311
        if self._failures == 3:
            self._was_away = True
            self._say(f"{error} Training goes on; what is logged is kept in memory and sent when the server answers.")

    _retry_seconds = _FIRST_WAIT_SECONDS


UPSERT_CONFIG = """
mutation UpsertConfig($entity: String, $project: String, $name: String, $config: JSONString) {
  upsertBucket(input: {entityName: $entity, modelName: $project, name: $name, config: $config}) { inserted }
}
"""


def _passes(error: Error) -> bool:
    """Whether a request is worth sending again: no answer, or one that passes."""
    if isinstance(error, ConnectionFailed):
        return True
    return isinstance(error, ServerError) and (error.status is None or error.status in _TRANSIENT)


def _is_stop(reply: Reply) -> bool:
    try:
        answer: Any = json.loads(reply.body)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("stopped") is True
