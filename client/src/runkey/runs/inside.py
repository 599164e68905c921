"""The inside of a run: how it stands, what is written to its journal, what its sender and a login ask of it.

`Run`, in `run`, is what a script sees of it.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from runkey import session
from runkey.clock import Clock, SystemClock
from runkey.credentials.model import Credential
from runkey.runs import companions, finishing, resuming
from runkey.runs.config import Config, config_text
from runkey.runs.copying import Copying
from runkey.runs.encoding import encode, encode_line, plain
from runkey.runs.following import Follower
from runkey.runs.history import History, Part
from runkey.runs.media import settled
from runkey.runs.metrics import Metrics
from runkey.runs.model import Standing
from runkey.runs.options import Settings
from runkey.runs.recording import Recorder, to_json
from runkey.runs.summary import Summary
from runkey.scrubbing import Scrubber
from runkey.stream import MAX_LINE_BYTES, Position, Sender, framing
from runkey.terminal import Terminal

if TYPE_CHECKING:
    from runkey.runs.run import Run

_MAX_SUMMARY_BYTES = 1024 * 1024
_LOOK_SECONDS = 0.1


class Inside:
    """What a run consists of. One lock guards all of it."""

    def __init__(
        self,
        standing: Standing,
        terminal: Terminal,
        *,
        settings: Settings | None = None,
        scrubber: Scrubber | None = None,
        credential: Credential | None = None,
        is_silent: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Made by `init()`. Without a recorder (see `record_to`) it is disabled, and takes everything without doing anything."""
        self._standing = standing
        self.id, self.project, self.entity = standing.id, standing.project, standing.entity
        self.settings = settings or Settings()
        self.scrubber = scrubber or Scrubber(terminal.warn)
        self.pid = os.getpid()
        self.exit_code: int | None = None
        self.resumed = standing.is_resumed
        self._clock = clock or SystemClock()
        self._terminal = terminal
        self._is_silent = is_silent
        self._lock = threading.RLock()
        # Waiting for it lets go of the lock, however often this thread has it.
        self._still = threading.Condition(self._lock)
        self._copying = Copying(self._still)
        self._said: set[str] = set()
        self._metrics = standing.define_metrics(Metrics())
        self._history = History(standing.started, self._take_row, first_step=standing.step)
        self._first_step = standing.step
        self._is_flat = self._is_logging = False
        self._interposed: list[tuple[Mapping[str, Any], int | None, bool | None]] = []
        self._changes: dict[str, Any] = {}
        self._config_changed = self._summary_changed = False
        self.config = Config(standing.config, self._note_config, may_change=terminal.is_notebook, tell=self._keep_as_text)
        self.summary = Summary(self._metrics, {}, self._note_summary, lambda given: settled(given, self, "summary", self._complain))
        self.summary.restore(standing.summary, standing.summary_state)
        self._recorder: Recorder | None = None
        self._sender: Sender | None = None
        # Nobody has only the inside of a run: every one is a Run.
        self._finisher = finishing.Finisher(cast("Run", self))
        self.follower: Follower | None = None
        self.hear_error: Callable[[str], None] | None = None
        # What a login asks of a backend.
        self.host = credential.host if credential else standing.host or ""
        self.account = standing.account

    # --- what init(), a login and the sender do ---------------------------------------------------------------------------

    def record_to(self, recorder: Recorder, sender: Sender | None) -> None:
        """Keep what comes from now on, and send it, if there is a sender."""
        self._recorder, self._sender = recorder, sender
        if sender is not None:
            session.register(self)
            sender.start()

    def accompany(self, stops: list[companions.Stop]) -> None:
        """Hold the ends of what accompanies it."""
        self._finisher.stops = stops

    def note_id_in(self, folder: str) -> None:
        """Let the next run with resume="auto" go on with this one, unless it ends well."""
        resuming.note_id(folder, self.id)
        self._finisher.ended_well = lambda: resuming.forget_id(folder, self.id)

    def adopt(self, credential: Credential) -> None:
        """Go on with another credential of the same account: what a login during a run does."""
        self.scrubber.learn(credential.secret.reveal())
        if self._sender is not None:
            self._sender.adopt(credential)

    def state(self) -> bytes:
        """Say how the run stands, for its journal."""
        with self._lock:
            standing = self._standing
            standing.config, standing.summary = self.config.copy(), self.summary.copy()
            standing.summary_state, standing.metrics = self.summary.state(), self._metrics.as_list()
            standing.step = self._history.step
            standing.line = self._recorder.next_line if self._recorder else standing.line
            # What is left out was told when it was set.
            return to_json(plain(standing.as_dict(), lambda _, __: None))

    def end(self) -> Position | None:
        """For the sender: how far the journal is written."""
        return self._recorder.journal.end if self._recorder else None

    def drop_before(self, position: Position) -> None:
        """For the sender: the server has what stands before this place in the journal."""
        if self._recorder is not None:
            self._recorder.journal.drop_before(position)

    def take_summary(self) -> str | None:
        """For the sender: the summary as JSON when it changed."""
        with self._standing_still():
            if not self._summary_changed:
                return None
            self._summary_changed = False
            values = self.summary_values()
        text = encode(values, self._complain)
        if len(text) > _MAX_SUMMARY_BYTES:
            self._warn_once("summary", f"The summary is {len(text):,} characters long; {_MAX_SUMMARY_BYTES:,} is the most. It is not sent.")
            return None
        return text

    def summary_values(self) -> dict[str, Any]:
        """Give the summary as it goes on the wire, with W&B's own part."""
        return self.summary.on_wire()

    def take_changes(self) -> dict[str, Any] | None:
        """For the sender: what changed of the run itself, as variables of UpsertBucket."""
        with self._standing_still():
            if self._config_changed:
                self._config_changed = False
                values = plain(self.config.copy(), self._complain)
                self._changes["config"] = config_text(values, self._standing.private, self._metrics, self.scrubber.scrub)
            changes, self._changes = self._changes, {}
            return changes or None

    @contextlib.contextmanager
    def _standing_still(self) -> Iterator[None]:
        """Hold the lock, or know that nothing changes any more: a finish() in a signal handler waits while log() below it has the lock."""
        is_held = False
        while not self._finisher.is_over and not (is_held := self._lock.acquire(timeout=_LOOK_SECONDS)):
            pass
        try:
            yield
        finally:
            if is_held:
                self._lock.release()

    def _has_lock(self) -> bool:
        """Tell whether this thread has the lock."""
        try:
            self._still.notify_all()
        except RuntimeError:
            return False
        return True

    # --- what it writes and says ---------------------------------------------------------------------------------------

    def _keep(self, recorder: Recorder, part: Part) -> None:
        line = encode_line(part.row, self._complain)
        if len(line) > MAX_LINE_BYTES:
            recorder.journal.refused += 1
            text = f"The row of step {part.row['_step']} is too long: {MAX_LINE_BYTES:,} bytes is the most. Such rows are left out."
            self._warn_once("long", text)
            return
        recorder.write_row(part.number, part.is_complete, line)

    def _take_row(self, row: dict[str, Any]) -> None:
        self.summary.take_row(row, is_flat=self._is_flat)
        self._summary_changed = True

    def _is_mine(self) -> bool:
        return os.getpid() == self.pid and not self._finisher.is_over

    def _describe(self, member: str, value: Any, variable: str) -> None:
        with self._lock:
            setattr(self._standing, member, value)
            self._changes[variable] = value
            self._change(framing.CONFIG, {"described": {member: value}})

    def _note_config(self, given: dict[str, Any], removed: list[str]) -> None:
        with self._lock:
            self._config_changed = True
            self._change(framing.CONFIG, {"set": plain(given, self._complain), "removed": removed})

    def _note_summary(self, given: dict[str, Any], removed: list[str]) -> None:
        with self._lock:
            self._summary_changed = True
            self._change(framing.SUMMARY, {"set": plain(given, self._complain), "removed": removed})

    def _change(self, kind: bytes, change: dict[str, Any]) -> None:
        if self._recorder is not None and self._is_mine():
            self._recorder.write_change(kind, change)

    def _complain(self, key: str, why: str) -> None:
        self._warn_once(f"key {key}", f"{key!r} is left out: {why}.")

    def _keep_as_text(self, key: str, why: str) -> None:
        self._warn_once(f"config {key}", f"config[{key!r}] is kept as text: {why}.")

    def _say(self, text: str) -> None:
        if not self._is_silent:
            self._terminal.say(text)

    def _warn(self, text: str) -> None:
        self._terminal.warn(text)

    def _warn_once(self, kind: str, text: str) -> None:
        if kind not in self._said and len(self._said) < 1_000:
            self._said.add(kind)
            self._terminal.warn(text)
