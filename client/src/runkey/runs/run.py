"""Run: the object that a user holds until finish().

After `init()` training never stops because logging failed: what cannot be logged is said once, and kept back or counted. What `log()`
takes is in the run's journal when it returns.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from runkey import session
from runkey.clock import Clock, SystemClock
from runkey.credentials.model import Credential
from runkey.runs import companions, finishing, resuming, saving
from runkey.runs.config import Config, config_text
from runkey.runs.current import exit_code_of
from runkey.runs.encoding import UNCHANGING, encode, encode_line, plain
from runkey.runs.following import Follower
from runkey.runs.history import History, Part, StepIsPast
from runkey.runs.media import settled
from runkey.runs.metrics import Metric, Metrics
from runkey.runs.model import Standing
from runkey.runs.options import Settings
from runkey.runs.recording import Recorder, to_json
from runkey.runs.summary import Summary
from runkey.scrubbing import Scrubber
from runkey.stream import MAX_LINE_BYTES, Position, Sender, framing
from runkey.terminal import Terminal

_MAX_SUMMARY_BYTES = 1024 * 1024
_FLAT = UNCHANGING - {type(None)}
"""Types of values that count in the summary as they are: a None does not count at all."""


class Run:
    """One run. id, project, entity, url: where it is. name, notes, tags: can be set. config, summary: mappings, sent when they change."""

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
        self._said: set[str] = set()
        self._metrics = standing.define_metrics(Metrics())
        self._history = History(standing.started, self._take_row, first_step=standing.step)
        self._is_flat = False
        self._changes: dict[str, Any] = {}
        self._config_changed = self._summary_changed = False
        self.config = Config(standing.config, self._note_config, may_change=terminal.is_notebook)
        self.summary = Summary(self._metrics, {}, self._note_summary, lambda given: settled(given, self, "summary", self._complain))
        self.summary.restore(standing.summary, standing.summary_state)
        self._recorder: Recorder | None = None
        self._sender: Sender | None = None
        self._finisher = finishing.Finisher(self)
        self.follower: Follower | None = None
        self.hear_error: Callable[[str], None] | None = None
        # What a login asks of a backend.
        self.host = credential.host if credential else standing.host or ""
        self.account = standing.account

    # --- what a script does -----------------------------------------------------------------------------------------------

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """Log values of this step: a mapping of name to number, text, list, nested mapping or media.

        step: whole numbers that grow; without one every call is the next. commit=False: the next call adds to the same row. Never blocks on
        the network and never raises because of it or of the disk; values that JSON cannot carry are left out and named once.
        """
        if os.getpid() != self.pid or self._finisher.is_over or not isinstance(data, Mapping):
            self._refuse(data)
            return
        with self._lock:
            if self._finisher.is_over:  # finished by another thread while this one waited
                return
            history = self._history
            is_flat = _FLAT.issuperset(map(type, data.values()))
            # Of the row that this call completes: one that is open may be nested.
            self._is_flat = is_flat and not history.is_open
            try:
                if step is not None:
                    step = int(step)
                    if step < history.step:
                        raise StepIsPast
                if not is_flat:
                    data = settled(data, self, history.step if step is None else step, self._complain)
                if self._metrics:
                    data = self._with_steps(data)
                part = history.add(data, step, commit, time.time())
            except StepIsPast:
                text = f"Step {step} is past (the run is at {history.step}); rows for steps that are past are left out."
                self._warn_once("past", text)
                return
            except (TypeError, ValueError):
                self._warn_once("step", "step is a whole number; the row is left out.")
                return
            if self._recorder is not None:
                self._keep(self._recorder, part)

    def define_metric(
        self,
        name: str,
        step_metric: Any = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        overwrite: bool | None = None,
    ) -> Metric:
        """Say how a metric is summed up and drawn. name: may end in `*`. summary: min, max, mean, first, last, best, none; with commas.

        step_metric: what its curves are drawn over; its last value is added to rows that lack it unless step_sync is False. hidden: no
        chart of its own. goal: minimize or maximize. overwrite: forget what was said before. Raises UsageError.
        """
        with self._lock:
            defined = self._metrics.define(name, step_metric, step_sync, hidden, summary, goal, overwrite)
            self._config_changed = True
            self._change(framing.METRIC, next(each for each in self._metrics.as_list() if each["name"] == name))
        return defined

    def save(self, glob_str: Any = None, base_path: Any = None, policy: str = "live", glob: bool = True) -> list[str]:
        """Send files of the script's: see `saving.save`."""
        return saving.save(self, glob_str, base_path, policy, glob=glob)

    def log_code(self, root: str | None = ".", name: str | None = None, include_fn: Any = None, exclude_fn: Any = None) -> list[str]:
        """Send the code below a folder, without keys, as files under `code/`; give their names. name: taken, and changes nothing.

        include_fn, exclude_fn: are asked with a file's path, or with it and the root. By default Python files, requirements and Dockerfiles
        are sent. Nothing is raised; what fails is said.
        """
        from runkey.surroundings.code import log_code  # slow import

        try:
            return [] if self.disabled else log_code(self, root, include_fn, exclude_fn)
        except Exception as fault:
            self._warn_once("code", f"The code below {root} is left out ({type(fault).__name__}: {fault}).")
            return []

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run: send what waits, and its exit code (0 by default); say what is left and how to send it. Once only."""
        if quiet:
            self._is_silent = True
        self._finisher.finish(exit_code)

    @property
    def name(self) -> str:
        """How the run is shown. Can be set."""
        return self._standing.name or self.id

    @name.setter
    def name(self, text: str) -> None:
        self._describe("name", str(text), "displayName")

    @property
    def notes(self) -> str | None:
        """What is said of the run. Can be set."""
        return self._standing.notes

    @notes.setter
    def notes(self, text: str) -> None:
        self._describe("notes", str(text), "notes")

    @property
    def tags(self) -> tuple[str, ...]:
        """The run's tags. Can be set."""
        return tuple(self._standing.tags or ())

    @tags.setter
    def tags(self, tags: Any) -> None:
        self._describe("tags", [str(tag) for tag in tags], "tags")

    @property
    def group(self) -> str | None:
        """The group it belongs to."""
        return self._standing.group

    @property
    def job_type(self) -> str | None:
        """What kind of run it is."""
        return self._standing.job_type

    @property
    def url(self) -> str:
        """The address of the run's page; empty for one that has none yet."""
        return self._standing.url(self.host) if self._sender is not None else ""

    @property
    def path(self) -> str:
        """Its place: entity/project/id."""
        return "/".join(part for part in (self.entity, self.project, self.id) if part)

    @property
    def step(self) -> int:
        """The step of the next row."""
        return self._history.step

    @property
    def started(self) -> float:
        """When it began, in seconds since 1970."""
        return self._standing.started

    start_time = started

    @property
    def offline(self) -> bool:
        """Whether it only keeps its journal."""
        return self._recorder is not None and self._sender is None

    @property
    def disabled(self) -> bool:
        """Whether nothing is kept at all."""
        return self._recorder is None

    @property
    def folder(self) -> str | None:
        """Its folder on this disk; None for a disabled one."""
        return self._recorder.folder if self._recorder else None

    @property
    def dir(self) -> str:
        """Where files lie that go up with it."""
        return saving.files_folder(self)

    # --- what accompanies a run does --------------------------------------------------------------------------------------

    def log_console(self, offset: int, lines: list[str]) -> None:
        """Keep lines of what the run prints, from a line number on; lines that were kept before may come again."""
        with self._lock:
            if self._recorder is not None and lines and self._is_mine():
                self._recorder.write_console(offset, lines)

    def log_system(self, row: Mapping[str, Any]) -> None:
        """Keep a row of system figures."""
        with self._lock:
            if self._recorder is not None and self._is_mine():
                now = self._clock.now()
                whole = {"_wandb": True, "_timestamp": now, "_runtime": now - self.started, **row}
                self._recorder.write_event(encode(whole, self._complain))

    def upload(self, name: str, path: Any = None, *, data: bytes | None = None) -> bool:
        """Send a file under a name: one that is there (a copy is taken), or these bytes. False, and said once, when it cannot be kept."""
        try:
            with self._lock:
                if self._recorder is None or not self._is_mine():
                    return False
                self._recorder.keep_file(name, None if path is None else os.fspath(path), data)
        except (OSError, ValueError, TypeError) as error:
            self._warn_once(f"file {name}", f"The file {name} is left out: {error}.")
            return False
        return True

    def describe(self, **members: Any) -> None:
        """Add members to W&B's own part of the config; mappings are merged, one level deep."""
        with self._lock:
            self._standing.add_private(members)
            self._config_changed = True
            self._change(framing.CONFIG, {"private": plain(members, self._complain)})

    def describe_start(self, **given: str | None) -> None:
        """Add what belongs to the run itself: commit, repo, program, host."""
        with self._lock:
            known = {name: value for name, value in given.items() if value is not None}
            self._standing.origin.update(known)
            self._changes.update(known)
            self._change(framing.CONFIG, {"origin": known})

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
            return to_json(plain(standing.as_dict(), self._complain))

    def end(self) -> Position | None:
        """For the sender: how far the journal is written."""
        return self._recorder.journal.end if self._recorder else None

    def drop_before(self, position: Position) -> None:
        """For the sender: the server has what stands before this place in the journal."""
        if self._recorder is not None:
            self._recorder.journal.drop_before(position)

    def take_summary(self) -> str | None:
        """For the sender: the summary as JSON when it changed."""
        with self._lock:
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
        values = self.summary.copy()
        runtime = values.get("_runtime")
        if isinstance(runtime, int | float):
            values["_wandb"] = {"runtime": int(runtime)}
        return values

    def take_changes(self) -> dict[str, Any] | None:
        """For the sender: what changed of the run itself, as variables of UpsertBucket."""
        with self._lock:
            if self._config_changed:
                self._config_changed = False
                values = plain(self.config.copy(), self._complain)
                self._changes["config"] = config_text(values, self._standing.private, self._metrics, self.scrubber.scrub)
            changes, self._changes = self._changes, {}
            return changes or None

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None and not isinstance(error, SystemExit) and self.hear_error is not None:
            # Python prints it when the run is over; it belongs to what the run printed.
            import traceback

            self.hear_error("".join(traceback.format_exception(error)))
        self.finish(None if kind is None else exit_code_of(kind, error))

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.entity}/{self.project}>"

    # --- the rest ---------------------------------------------------------------------------------------------------------

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

    def _with_steps(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Add the last value of a metric's step metric where a row lacks it."""
        filled = dict(data)
        for key in data:
            metric = self._metrics.find(key)
            if metric is not None and metric.fills_step and metric.step_metric not in filled and metric.step_metric in self.summary:
                filled[str(metric.step_metric)] = self.summary[str(metric.step_metric)]
        return filled

    def _refuse(self, data: Any) -> None:
        if os.getpid() != self.pid:
            self._warn_once("fork", "This process was forked from the one that began the run; it does not log to it. Call init() here.")
        elif self._finisher.is_over:
            self._warn_once("finished", "The run is finished; what is logged now goes nowhere.")
        else:
            self._warn_once("mapping", f"log() takes a mapping of names to values, not a {type(data).__name__}; the row is left out.")

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

    def _say(self, text: str) -> None:
        if not self._is_silent:
            self._terminal.say(text)

    def _warn(self, text: str) -> None:
        self._terminal.warn(text)

    def _warn_once(self, kind: str, text: str) -> None:
        if kind not in self._said and len(self._said) < 1_000:
            self._said.add(kind)
            self._terminal.warn(text)
