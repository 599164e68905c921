"""Run: the object that a user holds until finish().

After `init()` training never stops because logging failed: what cannot be logged is said once, and kept back or counted.
"""

import _thread
import contextlib
import json
import os
import threading
import urllib.parse
from collections.abc import Mapping
from typing import Any

from runkey import api, session
from runkey.clock import Clock, SystemClock
from runkey.credentials.model import Credential
from runkey.credentials.store import CredentialStore
from runkey.errors import Error
from runkey.runs.current import exit_code_of, forget
from runkey.runs.encoding import encode, plain
from runkey.runs.history import History, StepIsPast
from runkey.runs.mapping import Watched
from runkey.settings import Environment
from runkey.stream import MAX_LINE_CHARACTERS, LineIsTooLong, Queue, Sender
from runkey.terminal import Terminal

FINISH_SECONDS = 60.0
"""How long finish() waits for a server that does not answer."""


class Run:
    """One run. id, name, project, entity, url: where it is. config, summary: mappings with attributes, sent when they change."""

    def __init__(
        self,
        run_id: str,
        project: str,
        entity: str,
        name: str,
        config: Mapping[str, Any] | None,
        credential: Credential | None,
        terminal: Terminal,
        clock: Clock | None = None,
    ) -> None:
        """Made by `init()`. credential None: the run is disabled, and takes everything without doing anything."""
        self.id = run_id
        self.project = project
        self.entity = entity
        self.name = name
        self.pid = os.getpid()
        self.exit_code: int | None = None
        self._clock = clock or SystemClock()
        self._terminal = terminal
        self._lock = threading.RLock()
        self._said: set[str] = set()
        self._history = History(self._clock.now())
        self._config_changed = self._summary_changed = False
        self.config = Watched(config, self._note_config)
        self.summary = Watched({}, self._note_summary)
        self._queue = Queue()
        self._is_finished = False
        self._sender: Sender | None = None
        # What a login asks of a backend.
        self.host = credential.host if credential else ""
        self.account = credential.account if credential else None
        if credential is not None:
            self._sender = Sender(
                self._queue,
                self,
                credential,
                (entity, project, run_id),
                clock=self._clock,
                say=self._say,
                stop=_thread.interrupt_main,
                find_credential=_another_credential,
            )

    @property
    def url(self) -> str:
        """The address of the run's page."""
        entity, project, run_id = (urllib.parse.quote(part, safe="") for part in (self.entity, self.project, self.id))
        return f"{self.host}/{entity}/{project}/runs/{run_id}"

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """Log values of this step: a mapping of name to number, text, list or nested mapping.

        step: whole numbers that grow; without one every call is the next. commit=False: the next call adds to the same row. Never blocks on
        the network and never raises because of it; values that JSON cannot carry are left out and named once.
        """
        if os.getpid() != self.pid:
            self._warn_once("fork", "This process was forked from the one that began the run; it does not log to it. Call init() here.")
            return
        if self._is_finished:
            self._warn_once("finished", "The run is finished; what is logged now goes nowhere.")
            return
        if not isinstance(data, Mapping):
            self._warn_once("mapping", f"log() takes a mapping of names to values, not a {type(data).__name__}; the row is left out.")
            return
        with self._lock:
            try:
                rows = self._history.log(data, None if step is None else int(step), commit, self._clock.now())
            except StepIsPast:
                text = f"Step {step} is past (the run is at {self._history.step}); rows for steps that are past are left out."
                self._warn_once("past", text)
                return
            except (TypeError, ValueError):
                self._warn_once("step", "step is a whole number; the row is left out.")
                return
            for row in rows:
                self._keep(row)

    def start(self) -> None:
        """Begin sending: what `init()` does last."""
        if self._sender is not None:
            session.register(self)
            self._sender.start()

    def finish(self, exit_code: int | None = None) -> None:
        """End the run: send what waits, and its exit code (0 by default); say what was not acknowledged. Calling it again does nothing."""
        if self._is_finished or os.getpid() != self.pid:
            return
        with self._lock:
            for row in self._history.flush():
                self._keep(row)
            self._is_finished = True
        code = exit_code if exit_code is not None else (self.exit_code or 0)
        session.unregister(self)
        forget(self)
        if self._sender is not None:
            self._send_rest(code)

    def adopt(self, credential: Credential) -> None:
        """Go on with another credential of the same account: what a login during a run does."""
        if self._sender is not None:
            self._sender.adopt(credential)

    def take_summary(self) -> str | None:
        """For the sender: the summary as JSON when it changed."""
        with self._lock:
            if not self._summary_changed:
                return None
            self._summary_changed = False
            text = encode(self.summary.copy(), self._complain)
        if len(text) > MAX_LINE_CHARACTERS:
            self._warn_once(
                "summary", f"The summary is {len(text):,} characters long; {MAX_LINE_CHARACTERS:,} is the most. It is not sent."
            )
            return None
        return text

    def take_config(self) -> str | None:
        """For the sender: the config as JSON when it changed."""
        with self._lock:
            if not self._config_changed:
                return None
            self._config_changed = False
            return config_text(plain(self.config.copy(), self._complain))

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.finish(None if kind is None else exit_code_of(kind))

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.entity}/{self.project}>"

    def _keep(self, row: dict[str, Any]) -> None:
        self.summary.set_quietly(row)
        self._summary_changed = True
        if self._sender is None:
            return
        try:
            has_room = self._queue.put(encode(row, self._complain))
        except LineIsTooLong:
            text = f"The row of step {row['_step']} is too long: {MAX_LINE_CHARACTERS:,} characters is the most. Such rows are left out."
            self._warn_once("long", text)
            return
        if not has_room:
            self._warn_once("full", "The server has been away for so long that no more rows fit in memory: rows are being left out.")
        elif self._queue.is_nearly_full:
            self._warn_once("nearly full", f"{len(self._queue)} rows wait for the server; there is room for a few more only.")

    def _send_rest(self, code: int) -> None:
        assert self._sender is not None
        began = self._clock.monotonic()
        told = [began]

        def waiting(left: int) -> None:
            if self._clock.monotonic() - told[0] >= 3.0:
                told[0] = self._clock.monotonic()
                self._say(f"Sending {left} rows; at most {FINISH_SECONDS - (told[0] - began):.0f} s more. Ctrl-C leaves them.")

        try:
            done = self._sender.finish(code, FINISH_SECONDS, waiting)
        except KeyboardInterrupt:
            done = False
        refused = f" {self._queue.refused} rows were left out: too long, or no room." if self._queue.refused else ""
        if done:
            self._say(f"Finished: {self._queue.offset} rows are on the server.{refused} {self.url}")
        else:
            left = len(self._queue)
            self._say(f"Finished, but {left} rows were not acknowledged and are lost with this process: no journal is kept yet.{refused}")

    def _note_config(self) -> None:
        self._config_changed = True

    def _note_summary(self) -> None:
        self._summary_changed = True

    def _complain(self, key: str, why: str) -> None:
        self._warn_once(f"key {key}", f"{key!r} is left out: {why}.")

    def _say(self, text: str) -> None:
        if not Environment().silent:
            self._terminal.say(text)

    def _warn_once(self, kind: str, text: str) -> None:
        if kind not in self._said and len(self._said) < 1_000:
            self._said.add(kind)
            self._terminal.warn(text)


def config_text(config: Mapping[str, Any]) -> str:
    """Write a config as it goes on the wire: every value in `{"value": …}` (W&B's shape)."""
    return json.dumps({key: {"value": value} for key, value in config.items()})


def _another_credential(old: Credential) -> Credential | None:
    """Look for another key of the same server and account among what login stored: never another account's.

    For an account without a name, the key of whoever claimed it, which may have happened elsewhere: that server is asked.
    """
    held = session.process.credentials.get(old.host)
    found = [held] if held is not None else []
    with contextlib.suppress(Error):
        found += CredentialStore(Environment().config_folder).find_all(old.host)
    others = [each for each in found if each.secret != old.secret]
    for each in others:
        if each.stands_for(old.account):
            return each
    if old.is_anonymous:
        for each in others:
            with contextlib.suppress(Error):
                if not each.is_anonymous and old.account in (api.viewer(each).get("claimedEntities") or ()):
                    return each
    return None
