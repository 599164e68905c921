"""Run: the object that a user holds until finish().

After `init()` training never stops because logging failed: what cannot be logged is said once, and kept back or counted. What `log()`
takes is in the run's journal when it returns.
"""

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runkey.absent import words_for_run
from runkey.runs import saving
from runkey.runs.current import exit_code_of
from runkey.runs.encoding import UNCHANGING, encode, plain
from runkey.runs.history import StepIsPast
from runkey.runs.inside import Inside
from runkey.runs.media import settled
from runkey.runs.metrics import Metric
from runkey.runs.options import check_tags
from runkey.stream import framing

_FLAT = UNCHANGING - {type(None)}
"""Types of values that count in the summary as they are: a None does not count at all."""


class Run(Inside):
    """One run. id, project, entity, url: where it is. name, notes, tags: can be set. config, summary: mappings, sent when they change."""

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
            if self._is_logging:
                # A signal's handler, in the middle of another call, which adds this row when its own is written.
                self._interposed.append((data, step, commit))
                return
            self._is_logging = True
            try:
                self._log(data, step, commit)
            finally:
                self._is_logging = False
            while self._interposed:
                self.log(*self._interposed.pop(0))

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
        """How the run is shown. Can be set; None takes it back, and the id is shown."""
        return self._standing.name or self.id

    @name.setter
    def name(self, text: str | None) -> None:
        self._describe("name", self.id if text is None else str(text), "displayName")

    @property
    def notes(self) -> str | None:
        """What is said of the run. Can be set; None takes it back."""
        return self._standing.notes or None

    @notes.setter
    def notes(self, text: str | None) -> None:
        self._describe("notes", "" if text is None else str(text), "notes")

    @property
    def tags(self) -> tuple[str, ...]:
        """The run's tags. Can be set. Raises UsageError for what is no tag."""
        return tuple(self._standing.tags or ())

    @tags.setter
    def tags(self, tags: Any) -> None:
        self._describe("tags", [] if tags is None else check_tags(tags), "tags")

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
    def project_url(self) -> str:
        """The address of its project's page; empty for a run that has none yet."""
        return self.url.partition("/runs/")[0]

    @property
    def path(self) -> str:
        """Its place: entity/project/id."""
        return "/".join(part for part in (self.entity, self.project, self.id) if part)

    @property
    def step(self) -> int:
        """The step of the next row."""
        return self._history.step

    @property
    def starting_step(self) -> int:
        """The step of its first row: 0, or behind what was there when it is gone on with."""
        return self._first_step

    @property
    def sweep_id(self) -> None:
        """The sweep that it belongs to: none, there are none yet."""
        return None

    sweep_url = sweep_id

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
        recorder = self._recorder
        if recorder is None or not self._is_mine():
            return False
        try:
            with self._copying.begin(recorder.folder, name) as copy:
                copy.fill(None if path is None else os.fspath(path), data)
                with self._lock:
                    if not self._is_mine():
                        raise ValueError("the run was finished while it was copied")
                    if self._copying.put(copy):
                        recorder.write_file(name, copy.place)
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

    def tell_error(self, error: BaseException | None) -> None:
        """Add the exception that ends the run to what it prints: Python prints it when the run is over."""
        if error is not None and not isinstance(error, SystemExit) and self.hear_error is not None and os.getpid() == self.pid:
            import traceback

            self.hear_error("".join(traceback.format_exception(error)))

    def tell_failure(self, part: str, fault: Exception) -> None:
        """Say once that a part of what accompanies the run failed."""
        self._warn_once(f"part {part}", f"{part} failed ({type(fault).__name__}: {fault}); the run goes on without it.")

    def describe_start(self, **given: str | None) -> None:
        """Add what belongs to the run itself: commit, repo, program, host."""
        with self._lock:
            known = {name: value for name, value in given.items() if value is not None}
            self._standing.origin.update(known)
            self._changes.update(known)
            self._change(framing.CONFIG, {"origin": known})

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self.tell_error(error)
        self.finish(None if kind is None else exit_code_of(kind, error))

    if not TYPE_CHECKING:  # which would take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(words_for_run(name))

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.entity}/{self.project}>"

    def _log(self, data: Mapping[str, Any], step: int | None, commit: bool | None) -> None:
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
