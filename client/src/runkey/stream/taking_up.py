"""What is taken up of a run, to be sent: the next lines of its journal, its summary, what changed of it, which files arrived.

What was taken up and is not acknowledged stays first, so a request whose answer was lost is simply sent again.
"""

from collections.abc import Collection
from typing import Any, Protocol

from runkey.stream.acknowledging import Acknowledged
from runkey.stream.gathering import Batch, Gatherer
from runkey.stream.posting import MAX_BODY_BYTES
from runkey.stream.reading import Position
from runkey.stream.uploading import Uploader
from runkey_wire import file_stream
from runkey_wire.file_stream import Chunk, FileStreamRequest


class Source(Protocol):
    """What the sender asks the run for: the parts of it that are sent whole when they changed."""

    def take_summary(self) -> str | None:
        """Give the summary as JSON when it changed since the last time, else None."""

    def take_changes(self) -> dict[str, Any] | None:
        """Give what changed of the run itself since the last time, as variables of UpsertBucket, else None."""

    def end(self) -> Position | None:
        """Say how far the journal is written; None for one that nobody writes to."""

    def drop_before(self, position: Position) -> None:
        """Hear that the server has what stands before this place."""


class TakenUp:
    """What one run has under way. changes: what changed of the run itself; progress: grows with what is acknowledged."""

    def __init__(self, folder: str, source: Source, acknowledged: Acknowledged, uploader: Uploader, odd: Collection[Position]) -> None:
        """Nothing is taken up. odd: records to pass over."""
        self._source = source
        self._acknowledged = acknowledged
        self._uploader = uploader
        self._gatherer = Gatherer(folder, acknowledged, odd)
        self._batch: Batch | None = None
        self._summary: str | None = None
        self._exit_code: int | None = None
        self._arrived: list[str] = []
        self.changes: dict[str, Any] | None = None
        self.progress = 0

    @property
    def unreadable(self) -> int:
        """In how many places the journal could not be read."""
        reader = self._gatherer.reader
        return reader.damaged + reader.missing + (reader.torn_bytes > 0)

    @property
    def is_anything(self) -> bool:
        """Whether something is to be sent, beside a last word."""
        return bool(self._batch or self._summary or self.changes or self._arrived)

    @property
    def has_last_word(self) -> bool:
        """Whether the run's last word is the next to be sent."""
        return self._exit_code is not None

    def take_up(self, *, is_all: bool, last_word: int | None) -> None:
        """Take up what there is. is_all: nothing is written behind it; last_word: the exit code that follows it then. Raises OSError."""
        if self._batch is None:
            batch = self._gatherer.gather(self._source.end(), MAX_BODY_BYTES, is_all=is_all)
            for file in batch.to_send:
                self._uploader.put(file["name"], file["path"])
            if batch.size_bytes or batch.exit_code is not None:
                self._batch = batch
        if self._batch is None and last_word is not None:
            self._exit_code = last_word
        self._summary = self._source.take_summary() or self._summary
        changes = self._source.take_changes()
        self.changes = {**(self.changes or {}), **changes} if changes else self.changes

    def take_arrived(self) -> int:
        """Take up the files that arrived; give how many have not, which is none only where all that did are taken up."""
        left = self._uploader.left
        self._arrived += self._uploader.take_arrived()
        return left

    def request(self, *, is_last: bool) -> FileStreamRequest:
        """Make a request of it. is_last: no file is left, so that with a last word it is the last."""
        files = self._batch.files(self._acknowledged.first_lines) if self._batch else {}
        if self._summary is not None:
            files[file_stream.SUMMARY] = Chunk(0, (self._summary,))
        code = self._last_code() if is_last else None
        return FileStreamRequest(files=files, uploaded=tuple(self._arrived), complete=code is not None, exit_code=code)

    def acknowledge(self, request: FileStreamRequest) -> bool:
        """Note that a request, the last that was made of it, arrived; tell whether the journal has more."""
        batch, arrived = self._batch, self._arrived
        self._exit_code = self._last_code()
        self._batch, self._summary, self._arrived = None, None, []
        is_news = batch is not None or bool(arrived) or request.complete
        self.progress += is_news
        noted, before = self._acknowledged, self._acknowledged.position
        noted.is_complete = request.complete
        if batch is not None:
            noted.position = batch.position
            noted.rows = batch.rows if batch.lines else noted.rows
            noted.files = [*noted.files, *batch.to_send]
        noted.files = [file for file in noted.files if file["name"] not in arrived and file["name"] not in self._uploader.failed]
        if is_news:
            noted.save()
        if noted.position.segment > max(before.segment, 1):
            self._source.drop_before(noted.position)
        return batch is not None and batch.has_more

    def close(self) -> None:
        """Let go of the journal."""
        self._gatherer.reader.close()

    def _last_code(self) -> int | None:
        return self._exit_code if self._batch is None or self._batch.exit_code is None else self._batch.exit_code
