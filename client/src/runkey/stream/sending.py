"""The thread that posts what is taken up of a run, as file_stream requests.

One request at a time, each from the line where the last acknowledged one ended, so a request whose answer was lost is simply sent again.
Transient answers (408, 429, 5xx but 501, no connection) are waited out, honouring Retry-After. A refused key (401) holds everything back
until another of the same server and account comes: by a login in this process, or by one in another terminal, which is looked for every
few seconds. Other answers are final, and said once; the journal stays.
"""

import threading
from collections.abc import Callable, Collection
from typing import Any

from runkey import api
from runkey.clock import Clock
from runkey.credentials.model import Credential
from runkey.errors import AuthenticationError, Error
from runkey.stream.acknowledging import Acknowledged
from runkey.stream.posting import Poster
from runkey.stream.reading import Position
from runkey.stream.taking_up import Source, TakenUp
from runkey.stream.uploading import Uploader
from runkey.stream.waiting import Backoff, passes

FIRST_FLUSH_SECONDS, LAST_FLUSH_SECONDS = 1.0, 5.0
"""Between two requests: short while somebody may be looking whether it works, later longer; each costs the server some two milliseconds."""

HEARTBEAT_SECONDS = 30.0
LOOK_FOR_KEY_SECONDS = 5.0
_REQUEST_SECONDS = 60.0
_SLOWER = 20.0  # a run of so many seconds waits one second, one of twice as many two


class Sender:
    """Carries one run. failure: why it gave up; is_done: everything, the run's last word included, was acknowledged."""

    def __init__(
        self,
        folder: str,
        source: Source,
        credential: Credential,
        path: tuple[str, str, str],
        *,
        clock: Clock,
        say: Callable[[str], None],
        stop: Callable[[], None],
        find_credential: Callable[[Credential], Credential | None],
        acknowledged: Acknowledged | None = None,
        odd: Collection[Position] = (),
        flush_seconds: float | None = None,
    ) -> None:
        """folder: the run's. path: entity, project, run id. say: for a person. stop: called when the server asks the run to stop.

        find_credential: looks for another key of the same server and account. odd: records to pass over. flush_seconds: always that long.
        """
        self.acknowledged = acknowledged or Acknowledged(folder)
        self._folder = folder
        self._poster = Poster(path)
        self._credential = credential
        self._path = path
        self._clock = clock
        self._say = say
        self._stop = stop
        self._find_credential = find_credential
        self._flush_seconds = flush_seconds
        self._wake = threading.Condition()
        self._hurry = False
        self._finishing = self._abandoned = self._drains = False
        self._unwritten: int | None = None
        self._is_refused = self._looked_in_vain = self._was_told_to_stop = self._was_away = False
        self._backoff = Backoff()
        self._wait_seconds = 0.0
        self._began = clock.monotonic()
        self.failure: str | None = None
        self.is_done = False
        self.uploader = Uploader(folder, path, lambda: self._credential, self._refused, self.hurry, say)
        self._taken = TakenUp(folder, source, self.acknowledged, self.uploader, odd)
        self._thread = threading.Thread(target=self._run, name="runkey-sender", daemon=True)

    @property
    def unreadable(self) -> int:
        """In how many places the journal could not be read."""
        return self._taken.unreadable

    def start(self) -> None:
        """Begin sending."""
        for file in self.acknowledged.files:
            self.uploader.put(file["name"], file["path"])
        self.uploader.start()
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
            self._backoff.reset()
            self._hurry = True
            self._wake.notify()
        self.uploader.hurry()

    def finish(self, patience_seconds: float, waiting: Callable[[], None], exit_code: int | None = None, *, drains: bool = False) -> bool:
        """Send what the journal holds to its end; whether all of it was acknowledged.

        Gives up when nothing was acknowledged for so long, or when the key is refused and there is no other. waiting() is called meanwhile.
        exit_code: the run's last word, for a journal that does not give it. drains: there is none; what there is, is all.
        """
        with self._wake:
            self._finishing, self._unwritten, self._drains = True, exit_code, drains
            self._looked_in_vain = False
            self._hurry = True
            self._wake.notify()
        seen, deadline = self._gets_on(), self._clock.monotonic() + patience_seconds
        while self._thread.is_alive() and self._clock.monotonic() < deadline and not (self._is_refused and self._looked_in_vain):
            self._thread.join(0.25)
            if self._gets_on() != seen:
                seen, deadline = self._gets_on(), self._clock.monotonic() + patience_seconds
            if self._thread.is_alive():
                waiting()
        return self.is_done

    def _gets_on(self) -> tuple[int, int]:
        """Give what changes while something arrives. A heartbeat is nothing of the kind."""
        return self._taken.progress, self.uploader.pieces

    def abandon(self) -> None:
        """Send nothing more."""
        with self._wake:
            self._abandoned = True
            self._hurry = True
            self._wake.notify()
        self.uploader.stop()
        if self._thread.is_alive():
            self._thread.join(0.5)

    def _run(self) -> None:
        try:
            last_sent = self._clock.monotonic()
            while not self.is_done and self.failure is None:
                self._wait()
                if self._abandoned:
                    return
                if self._is_refused and not self._look_for_credential():
                    continue
                if self._has_news() or self._clock.monotonic() - last_sent >= HEARTBEAT_SECONDS:
                    self._send_once()
                    last_sent = self._clock.monotonic()
        except OSError as error:
            self._final(f"The journal in {self._folder} cannot be read: {error.strerror}.")
        except Exception as fault:  # training must go on whatever this thread meets
            self._final(f"Logging stopped by an internal fault ({type(fault).__name__}).")
        finally:
            self.uploader.stop()
            self._taken.close()

    def _wait(self) -> None:
        with self._wake:
            if self._is_refused:
                seconds = LOOK_FOR_KEY_SECONDS
            elif self._backoff.failures:
                seconds = self._wait_seconds
            elif self._flush_seconds is not None:
                seconds = self._flush_seconds
            else:
                slower = (self._clock.monotonic() - self._began) / _SLOWER
                seconds = min(max(slower, FIRST_FLUSH_SECONDS), LAST_FLUSH_SECONDS)
            if not self._hurry:
                self._wake.wait(seconds)
            self._hurry = False

    def _has_news(self) -> bool:
        """Take up what there is to send; whether there is any."""
        taken = self._taken
        last_word = self._unwritten if self._finishing else None
        taken.take_up(is_all=self._finishing and (self._drains or last_word is not None), last_word=last_word)
        left = taken.take_arrived()
        if self._drains and not taken.is_anything and not left:
            self.is_done = True
        return taken.is_anything or (taken.has_last_word and not left)

    def _send_once(self) -> None:
        """Send one request, and learn from its answer."""
        credential = self._credential
        try:
            if self._taken.changes is not None:
                self._send_changes(credential, self._taken.changes)
            self._send_stream(credential)
        except AuthenticationError:
            self._refused(credential)
            return
        except Error as error:
            if passes(error):
                self._again(error)
            else:
                self._final(str(error))
            return
        if self._was_away:
            self._say("The server answers again; what was held back is being sent.")
        self._backoff.reset()
        self._was_away = False

    def _send_changes(self, credential: Credential, changes: dict[str, Any]) -> None:
        """Send what changed of the run itself. A server that will not take it is told of, and costs no row."""
        entity, project, run_id = self._path
        self._taken.changes = None
        try:
            variables = {"entity": entity, "project": project, "name": run_id, **changes}
            api.graphql(credential, UPSERT, variables, timeout_seconds=_REQUEST_SECONDS)
        except Error as error:
            if isinstance(error, AuthenticationError) or passes(error):
                self._taken.changes = changes
                raise
            self._say(f"The changed config was not taken: {error} Rows are sent on.")

    def _send_stream(self, credential: Credential) -> None:
        """Post what was taken up. Raises AuthenticationError, ConnectionFailed, ServerError with its status."""
        left = self._taken.take_arrived()
        request = self._taken.request(is_last=not left)
        told_to_stop = self._poster.post(credential, request, _REQUEST_SECONDS)
        has_more = self._taken.acknowledge(request)
        if told_to_stop and not self._was_told_to_stop:
            self._was_told_to_stop = True
            self._stop()
        self.is_done = request.complete
        with self._wake:
            # The arrival of a file wakes this thread by itself.
            self._hurry = self._hurry or has_more or (self._finishing and not left)

    def _refused(self, credential: Credential) -> None:
        with self._wake:
            if self._credential is not credential:  # another was adopted while this one was being refused
                self._hurry = True
                return
            if self._is_refused:
                return
            self._is_refused = True
            # One that is finishing looks at once, and once.
            self._hurry = self._finishing
        self._say(
            f"{credential.host} refused the key of this run: it was revoked, or its account disabled. Training goes on and what is "
            "logged is held back. Run `runkey login` in another terminal, or runkey.login() here, and it is sent."
        )

    def _look_for_credential(self) -> bool:
        found = self._find_credential(self._credential)
        if found is not None:
            self.adopt(found)
            self._say("Another key was found; this run goes on with it.")
        elif self._finishing:
            self._looked_in_vain = True
        return not self._is_refused

    def _final(self, message: str) -> None:
        self.failure = message
        self._say(f"{message} Nothing more of this run is sent; training goes on, and what is logged is kept in its journal.")

    def _again(self, error: Error) -> None:
        self._wait_seconds = self._backoff.next_seconds(error)
        if self._backoff.failures == 3:
            self._was_away = True
            self._say(f"{error} Training goes on; what is logged is kept in its journal and sent when the server answers.")


UPSERT = """
mutation UpsertBucket(
  $entity: String, $project: String, $name: String, $config: JSONString, $displayName: String, $tags: [String!], $notes: String,
  $commit: String, $repo: String, $program: String, $host: String, $state: String
) {
  upsertBucket(
    input: {
      entityName: $entity, modelName: $project, name: $name, config: $config, displayName: $displayName, tags: $tags, notes: $notes,
      commit: $commit, jobRepo: $repo, jobProgram: $program, host: $host, state: $state
    }
  ) { inserted }
}
"""
