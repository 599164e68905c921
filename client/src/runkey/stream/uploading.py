"""The thread that sends a run's files, beside the one that sends its rows: a large file must not hold up a curve.

`CreateRunFiles` gives each file an address of its own, the bytes go there, and the sender then names the file in `uploaded`. A name
that is sent again before it has gone goes once, as it is then.
"""

import errno
import os
import threading
from collections.abc import Callable
from typing import BinaryIO

from runkey import api, transport
from runkey.answers import Fields
from runkey.credentials.model import Credential
from runkey.errors import AuthenticationError, ConnectionFailed, Error, ServerError
from runkey.stream.waiting import Backoff, passes

_CREATE_FILES = """
mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
  createRunFiles(input: {entityName: $entity, projectName: $project, runName: $run, files: $files}) {
    runID uploadHeaders files { name uploadUrl }
  }
}
"""
_MOST_AT_ONCE = 50
_SECONDS = 300.0
_NO_ANSWER = 422
"""What an answer counts as that is none."""


class Uploader:
    """Sends the files of one run. credential: gives the one to use now; refused: is told of one that was refused.

    pieces: grows while files get on.
    """

    def __init__(
        self,
        folder: str,
        path: tuple[str, str, str],
        credential: Callable[[], Credential],
        refused: Callable[[Credential], None],
        settled: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """folder: the run's. path: entity, project, run id. settled: called after every file that arrived or is given up."""
        self._folder = folder
        self._path = path
        self._credential = credential
        self._refused = refused
        self._settled = settled
        self._say = say
        self._wake = threading.Condition()
        self._waiting: dict[str, str] = {}
        self._under_way: dict[str, str] = {}
        self._arrived: list[str] = []
        self._is_over = False
        self.pieces = 0
        self._furthest: dict[str, int] = {}
        self.failed: list[str] = []
        self._thread = threading.Thread(target=self._run, name="runkey-uploader", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, name: str, path: str) -> None:
        """Send a file. path: within the run's folder."""
        with self._wake:
            self._waiting.pop(name, None)
            self._waiting[name] = path
            self._wake.notify()

    def hurry(self) -> None:
        """Try again now."""
        with self._wake:
            self._wake.notify()

    def stop(self) -> None:
        """End, once what is under way is over."""
        with self._wake:
            self._is_over = True
            self._wake.notify()

    @property
    def left(self) -> int:
        """How many files have not arrived."""
        with self._wake:
            return len(self._waiting.keys() | self._under_way.keys())

    def take_arrived(self) -> list[str]:
        """Give the names of the files that arrived since the last time."""
        with self._wake:
            arrived, self._arrived = self._arrived, []
            return arrived

    def _run(self) -> None:
        backoff = Backoff()
        while True:
            with self._wake:
                if not self._waiting and not self._is_over:
                    self._wake.wait()
                if self._is_over:
                    return
                names = list(self._waiting)[:_MOST_AT_ONCE]
                self._under_way = {name: self._waiting.pop(name) for name in names}
            seconds = self._send_group(backoff)
            with self._wake:
                # What is left of the group waits again, unless it was put anew.
                self._waiting = {**self._under_way, **self._waiting}
                self._under_way = {}
                if seconds and not self._is_over:
                    self._wake.wait(seconds)

    def _send_group(self, backoff: Backoff) -> float:
        """Send what is under way; give how long to wait before the next try, 0 when all went well."""
        credential = self._credential()
        try:
            for name, url, headers in self._addresses(credential):
                self._send(name, url, headers)
                self._settle(name, arrived=True)
            if self._under_way:
                raise ServerError(f"{credential.host} gave no address for it.", status=_NO_ANSWER)
        except AuthenticationError:
            self._refused(credential)
            return 5.0
        except Error as error:
            if passes(error):
                return backoff.next_seconds(error)
            self._give_up(error)
        except Exception as fault:  # training must go on whatever this thread meets
            self._give_up(fault)
        backoff.reset()
        return 0.0

    def _addresses(self, credential: Credential) -> list[tuple[str, str, dict[str, str]]]:
        entity, project, run_id = self._path
        names = list(self._under_way)
        variables = {"entity": entity, "project": project, "run": run_id, "files": names}
        data = api.graphql(credential, _CREATE_FILES, variables)
        try:
            made = Fields(credential.host, data).object("createRunFiles")
            headers = dict(_header(line) for line in (made.contents("uploadHeaders") if made.has("uploadHeaders") else []))
            files = {file.content("name"): file.content("uploadUrl") for file in made.objects("files")}
        except ServerError as fault:
            # Asked again, it would say the same.
            raise ServerError(str(fault), status=_NO_ANSWER) from None
        return [(name, url, headers) for name, url in files.items() if name in self._under_way]

    def _send(self, name: str, url: str, headers: dict[str, str]) -> None:
        path = os.path.normpath(os.path.join(self._folder, self._under_way[name]))
        if not path.startswith(os.path.normpath(self._folder) + os.sep):
            # A journal may come from somebody else.
            raise ServerError("it does not lie in the run's folder.", status=_NO_ANSWER)
        try:
            file = open(path, "rb")  # noqa: SIM115
        except OSError as error:
            # Where this process has too many files open, it passes.
            status = None if error.errno in (errno.EMFILE, errno.ENFILE) else _NO_ANSWER
            raise ServerError(f"{path} cannot be read: {error.strerror}.", status=status) from None
        with file:
            # The address carries the right to it: no credential goes with it.
            length = {"Content-Length": str(os.fstat(file.fileno()).st_size), "Content-Type": "application/octet-stream"}
            reply = transport.send(
                "PUT",
                url,
                headers=length | headers,
                body=_Followed(file, lambda place: self._note_place(name, place)),
                timeout_seconds=_SECONDS,
            )
        if reply.status == 401 or reply.status == 403:
            # Its hour is over, or its key was revoked: asking for another address tells which.
            raise ConnectionFailed(f"The address for {name} is good no more.", "http")
        if reply.headers.get("content-type", "").startswith("text/html") and (reply.status < 400 or reply.status == 404):
            # No server that keeps files answers with a page: a network's own sign-in does, or a proxy with nothing behind it.
            raise ConnectionFailed(f"{name} was not taken: {api.describe(reply)}.", "http")
        if not 200 <= reply.status < 300:
            raise ServerError(api.sentence_of(reply), status=reply.status, retry_after_seconds=api.retry_after_seconds(reply))

    def _note_place(self, name: str, place: int) -> None:
        # A file that fails again and again at the same place does not get on.
        if place > self._furthest.get(name, 0):
            self._furthest[name] = place
            self.pieces += 1

    def _give_up(self, error: Exception) -> None:
        """Leave the file at which it failed, and go on with the rest."""
        name = next(iter(self._under_way), None)
        if name is None:
            return
        self.failed.append(name)
        self._say(f"The file {name} was not taken: {error} It stays in {self._folder}.")
        self._settle(name, arrived=False)

    def _settle(self, name: str, *, arrived: bool) -> None:
        with self._wake:
            self._under_way.pop(name, None)
            self._furthest.pop(name, None)
            if arrived and name not in self._waiting:
                self._arrived.append(name)
        self._settled()


class _Followed:
    """A file that tells how far it was read."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], None]) -> None:
        self._file = file
        self._tell = tell

    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(size)
        self._tell(self._file.tell())
        return piece


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
