"""init(): begin a run. What it takes is settled, the machine is logged in if need be, the run is made on the server, its journal begun."""

import _thread
import contextlib
import sys
from collections.abc import Mapping
from typing import Any

from runkey import authentication, session
from runkey.clock import SystemClock
from runkey.credentials.model import Credential
from runkey.errors import CannotStore, NotLoggedIn
from runkey.machine import machine_name
from runkey.runs import companions, healing, left_behind, resuming
from runkey.runs.config import config_text, first_private
from runkey.runs.current import current, finish_all, take_on
from runkey.runs.encoding import plain_or_text
from runkey.runs.media import settled
from runkey.runs.metrics import Metrics
from runkey.runs.model import Standing
from runkey.runs.opening import Status, find_status, open_run
from runkey.runs.options import Options
from runkey.runs.recording import Recorder
from runkey.runs.run import Run
from runkey.scrubbing import Scrubber
from runkey.settings import Environment
from runkey.stream import Lock, Sender, folders
from runkey.terminal import Terminal

_said: set[str] = set()
"""Once a process: a script may begin a thousand runs with the same settings."""


def init(
    project: str | None = None,
    entity: str | None = None,
    name: str | None = None,
    id: str | None = None,
    config: Any = None,
    mode: str | None = None,
    *,
    dir: Any = None,
    tags: list[str] | tuple[str, ...] | None = None,
    notes: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    resume: str | bool | None = None,
    reinit: str | bool | None = None,
    settings: Any = None,
    anonymous: str | None = None,
    **others: Any,
) -> Run:
    """Begin a run: log in if need be, make it on the server, begin its journal, and start the thread that sends what it holds.

    project, entity: where it goes; by default RUNKEY_PROJECT or "uncategorized", and the account itself. name: how it is shown. id: its
    address in the project; one that is used again begins that run again, or goes on with it: resume, "allow", "must", "never" or "auto".
    config: its settings, a mapping or an argparse.Namespace. mode: "online"; "offline": only the journal is kept, for `runkey sync`;
    "disabled". dir: where the journal lies, in its folder `runkey`. reinit: what becomes of a run that is in progress:
    "return_previous" (by default, but in a notebook), "finish_previous" (all that are), "create_new" (both go on, and runkey.run and
    runkey.log() stay with the one before). anonymous: as for login().
    Raises UsageError, AuthenticationError, WrongServer, ConnectionFailed, ServerError: before the run has begun, trouble is told.
    """
    environment, terminal = Environment(), Terminal()
    given = {
        **others,
        "project": project,
        "entity": entity,
        "name": name,
        "id": id,
        "config": config,
        "mode": mode,
        "dir": dir,
        "tags": tags,
    }
    given |= {"notes": notes, "group": group, "job_type": job_type, "resume": resume, "reinit": reinit, "settings": settings}
    options = Options(given, environment)
    for word in options.unused:
        terminal.warn(f"init({word}=…) changes nothing here.")
    for text in options.strange_settings:
        if text not in _said:
            _said.add(text)
            terminal.warn(text)
    before, kind = current(), options.reinit
    if kind == "default":
        kind = "finish_previous" if terminal.is_notebook else "return_previous"
    if kind == "return_previous" and before is not None:
        return before
    if kind == "finish_previous":
        finish_all()
    return _Beginning(options, terminal).begin(anonymous)


class _Beginning:
    """One call of init()."""

    def __init__(self, options: Options, terminal: Terminal) -> None:
        self._options = options
        self._terminal = terminal
        self._clock = SystemClock()
        self._scrubber = Scrubber(terminal.warn)
        for name in ("RUNKEY_API_KEY", "WANDB_API_KEY"):
            self._scrubber.learn(Environment().get(name))

    def begin(self, anonymous: str | None) -> Run:
        options = self._options
        is_auto = options.resume == "auto"
        run_id = options.settle_id(resuming.last_id(options.folder) if is_auto else None)
        standing = Standing(
            project=options.project,
            entity=options.entity,
            id=run_id,
            name=options.name,
            tags=options.tags,
            notes=options.notes,
            group=options.group,
            job_type=options.job_type,
            resume="allow" if is_auto else options.resume,
            mode=options.mode,
            started=self._clock.now(),
            private=first_private(),
            origin={"host": machine_name(), "program": sys.argv[0]} if sys.argv and sys.argv[0] else {"host": machine_name()},
        )
        standing.config = plain_or_text(settled(options.config, None, 0, self._leave_out), self._keep_as_text)
        if options.mode == "disabled":
            return self._start(standing, None)
        credential = self._credential(anonymous) if options.mode == "online" else None
        standing.mode = "offline" if credential is None else "online"
        lines = {} if credential is None else self._open(standing, credential)
        run = self._start(standing, credential, lines)
        if is_auto:
            run.note_id_in(options.folder)
        self._tell(run)
        if options.mode != "disabled":
            # After the first words: what the script prints is the run's, what was said before it is not.
            run.accompany(companions.start_all(run, self._terminal.warn))
        return run

    def _open(self, standing: Standing, credential: Credential) -> dict[str, int]:
        """Make the run on the server; give at which line each file of its stream begins."""
        status: Status | None = None
        if standing.resume:
            left_behind.send_left_behind(self._options.folder, standing, credential, self._clock, self._terminal.say)
            status = find_status(credential, standing.entity or None, standing.project, standing.id)
            resuming.check(standing.resume, status, standing.id)
        variables = standing.variables()
        if status is not None:
            resuming.go_on(standing, status)
            variables["id"] = status.id
        self._scrubber.learn(credential.secret.reveal())
        config = config_text(standing.config, standing.private, standing.define_metrics(Metrics()), self._scrubber.scrub)
        opened = open_run(credential, {**variables, "config": config})
        standing.host, standing.server_id, standing.account = credential.host, credential.server_id, credential.account
        standing.entity, standing.project, standing.id, standing.name = opened.entity, opened.project, opened.id, opened.name
        return {} if status is None else status.lines

    def _start(self, standing: Standing, credential: Credential | None, lines: Mapping[str, int] | None = None) -> Run:
        options = self._options
        run = Run(
            standing,
            self._terminal,
            settings=options.settings,
            scrubber=self._scrubber,
            credential=credential,
            is_silent=options.is_silent,
            clock=self._clock,
        )
        if options.mode != "disabled":
            recorder = self._recorder(run, lines or {})
            run.record_to(recorder, None if credential is None else self._sender(run, recorder, credential))
        take_on(run, is_current=options.reinit != "create_new")
        return run

    def _recorder(self, run: Run, lines: Mapping[str, int]) -> Recorder:
        """Make the run's folder and journal. Raises CannotStore."""
        folder, elsewhere = folders.make_run_folder(self._options.folder, run.id, run.started)
        if elsewhere:
            self._terminal.warn(elsewhere)
        try:
            lock = Lock(folder)
            with contextlib.suppress(OSError):  # where files cannot be locked, `runkey sync` cannot tell that this process lives
                lock.take()
            return Recorder(folder, lock, run.state, self._terminal.warn, lines)
        except OSError as error:
            folders.remove_run_folder(folder)
            raise CannotStore(f"Cannot write {folder}: {error.strerror}. Name a folder for the runs' journals in RUNKEY_DIR.") from None

    def _sender(self, run: Run, recorder: Recorder, credential: Credential) -> Sender:
        return Sender(
            recorder.folder,
            run,
            credential,
            (run.entity, run.project, run.id),
            clock=self._clock,
            say=lambda text: None if self._options.is_silent else self._terminal.say(text),
            stop=_thread.interrupt_main,
            find_credential=healing.another_credential,
        )

    def _credential(self, anonymous: str | None) -> Credential | None:
        """Log in; None when this process is to stay offline."""
        if not authentication.login(anonymous=anonymous):
            if session.process.is_offline:
                return None
            raise NotLoggedIn('This process is not logged in. Log in, or begin the run with mode="offline".')
        credential = authentication.current_credential()
        if credential is None:
            raise NotLoggedIn("No key is configured. Run `runkey login`.")
        return credential

    def _leave_out(self, key: str, why: str) -> None:
        self._terminal.warn(f"config[{key!r}] is left out: {why}.")

    def _keep_as_text(self, key: str, why: str) -> None:
        self._terminal.warn(f"config[{key!r}] is kept as text: {why}.")

    def _tell(self, run: Run) -> None:
        if self._options.is_silent:
            return
        if run.offline:
            self._terminal.say(f"Run {run.name} is kept on this machine, in {run.folder}. To send it later: runkey sync")
        else:
            again = ", gone on with" if run.resumed else ""
            self._terminal.say(f"Run {run.name} of {run.project}{again}: {run.url}")
