"""Joins parts of large files beside what is answered: a file of 100 GB takes minutes, and no client waits so long for one answer.

Whoever asks is held for a while, by the door and not in a thread, and is told to come again when it takes longer. The official client does
for twenty minutes, an older one for days, and finds the file whole then.
"""

import threading
from dataclasses import dataclass, field
from functools import partial

import anyio
import sqlalchemy as sa

from runkey_server import accounts, claiming
from runkey_server.artifacts import Parts, join
from runkey_server.claiming import Caps
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import Directory
from runkey_server.retention import Quota

HELD_FOR_SECONDS = 20.0
"""The official client gives up waiting for an answer after 30."""

_LOOK_EVERY_SECONDS = 0.02
_AT_ONCE = 2


@dataclass
class _Job:
    is_done: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None


class Joining(Error):
    """The parts are being joined: ask again."""

    def __init__(self, job: _Job) -> None:
        super().__init__("unavailable", "The parts of the file are being joined. Ask again in a moment.", retry_after_seconds=2)
        self._job = job

    async def wait(self) -> bool:
        """Wait until it is done, but not for ever; tell whether it is."""
        with anyio.move_on_after(HELD_FOR_SECONDS):
            while not self._job.is_done.is_set():
                await anyio.sleep(_LOOK_EVERY_SECONDS)
        return self._job.is_done.is_set()


class Joiner:
    """Joins for one worker."""

    def __init__(self, database: Database, directory: Directory, quota: Quota, caps: Caps, clock: Clock) -> None:
        """Begin with nothing to do. quota, caps: what the whole is held to, as what comes in one piece is."""
        self._database = database
        self._directory = directory
        self._quota = quota
        self._caps = caps
        self._clock = clock
        self._jobs: dict[tuple[int, str], _Job] = {}
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(_AT_ONCE)

    def join(self, parts: Parts) -> None:
        """Begin to join, unless it is under way. Always raises: Joining, or what an earlier join of the same failed with."""
        key = (parts.project_id, parts.md5)
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and job.is_done.is_set():
                del self._jobs[key]
                if job.failure is not None:
                    raise job.failure
                job = None
            if job is None:
                job = self._jobs[key] = _Job()
                # It must not keep a server from its end; what it leaves is begun again.
                threading.Thread(target=self._run, args=(parts, job), name="join", daemon=True).start()
        raise Joining(job)

    def _run(self, parts: Parts, job: _Job) -> None:
        try:
            with self._turns:
                self._database.check_room()
                self._quota.check_file(parts.size_bytes)
                self._quota.hold(parts.account_id, parts.project_id, parts.grows_by)
                kept = 0
                try:
                    join(self._database, self._directory, parts, self._clock(), partial(self._count, parts))
                    kept = parts.grows_by
                finally:
                    self._quota.settle(parts.account_id, parts.project_id, parts.grows_by, kept)
        except BaseException as failure:
            job.failure = failure
        finally:
            with self._lock:
                # What went well is seen in the database; a failure waits for whoever asks again.
                if job.failure is None:
                    self._jobs.pop((parts.project_id, parts.md5), None)
            job.is_done.set()

    def _count(self, parts: Parts, transaction: sa.Connection) -> None:
        owner = accounts.find_account_by_id(transaction, parts.account_id)
        if owner is not None and owner.is_anonymous:
            claiming.count_bytes(transaction, parts.account_id, parts.grows_by, self._caps)
