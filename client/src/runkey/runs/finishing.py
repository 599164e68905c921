"""finish(): everything acknowledged, or one sentence that says what is left, where it lies, and how to send it."""

import contextlib
import functools
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from runkey import session
from runkey.runs import companions
from runkey.runs.companions import Stop
from runkey.runs.current import TERMINATED, forget
from runkey.runs.last_files import keep_last_files
from runkey.runs.telling import Progress
from runkey.stream import folders

if TYPE_CHECKING:
    from runkey.runs.run import Run

PATIENCE_SECONDS = 60.0
"""How long finish() waits for a server that takes nothing; for one that takes something, as long as that lasts."""

_TERMINATED_SECONDS = 5.0  # after SIGTERM a cluster kills within seconds
_LOOK_SECONDS = 0.1


class Finisher:
    """Ends one run. is_over: it takes nothing more."""

    def __init__(self, run: "Run") -> None:
        """Nothing has ended yet."""
        self._run = run
        self._is_ending = False
        self.is_over = False
        self.stops: list[Stop] = []
        self.ended_well: Callable[[], None] = lambda: None

    def finish(self, exit_code: int | None) -> None:
        """End it. Calling it again, or in a forked child, does nothing."""
        run = self._run
        if self._is_ending or os.getpid() != run.pid:
            return
        self._is_ending = True
        code = exit_code if exit_code is not None else (run.exit_code or 0)
        # Somebody who is impatient here is more so below, where Ctrl-C leaves at once.
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            self._stop_companions(code)
            run._copying.wait_for_others(_TERMINATED_SECONDS if code == TERMINATED else None)
        recorder, sender = run._recorder, run._sender
        try:
            self._write_end(code)
        except (KeyboardInterrupt, SystemExit):
            # Once more: without its last word the run would count as crashed. A second Ctrl-C is obeyed.
            self._write_end(code)
        session.unregister(run)
        forget(run)
        if recorder is None:
            return
        if code == 0:
            self.ended_well()
        done = False
        if sender is not None:
            told = Progress(
                run._clock, run._say, lambda: f"Sending: {self._left()} to go. Ctrl-C leaves it in the journal, to be sent later."
            )
            try:
                done = sender.finish(_TERMINATED_SECONDS if code == TERMINATED else PATIENCE_SECONDS, told, code)
            except (KeyboardInterrupt, SystemExit):
                pass
            if not done:
                with contextlib.suppress(KeyboardInterrupt):
                    sender.abandon()
        recorder.close()
        self._conclude(done)

    def _stop_companions(self, code: int) -> None:
        run = self._run
        stop = functools.partial(companions.stop_all, self.stops, code, run._warn)
        if not run._has_lock():
            stop()
            return
        # In a signal's handler, in the middle of a call: what accompanies the run may wait for the lock that this thread has below.
        thread = threading.Thread(target=stop, name="runkey-finish", daemon=True)
        try:
            thread.start()
        except RuntimeError as fault:
            run._warn(f"What accompanied the run was not waited for ({fault}).")
            return
        with run._still:
            while thread.is_alive():
                run._still.wait(_LOOK_SECONDS)

    def _write_end(self, code: int) -> None:
        run = self._run
        with run._lock:
            # What a signal's handler logged before it ended the run, in the middle of a call that will add nothing any more.
            while run._interposed:
                run._log(*run._interposed.pop(0))
            run._history.complete()
            if run._recorder is not None:
                keep_last_files(run)
                run._recorder.write_end(code)
            self.is_over = True

    def _conclude(self, done: bool) -> None:
        run, recorder, sender = self._run, self._run._recorder, self._run._sender
        assert recorder is not None
        refused = f" {recorder.journal.refused} were left out: too long, or no room on the disk." if recorder.journal.refused else ""
        unread = 0 if sender is None else max(0, recorder.next_line - max(sender.acknowledged.rows, recorder.first_line))
        count = recorder.rows - unread if done else recorder.rows
        rows = f"{count} row{'' if count == 1 else 's'}"
        if sender is None:
            run._say(f"{rows} kept in {recorder.folder}.{refused} To send: runkey sync {recorder.folder}")
        elif done:
            lost = [f" The server did not take {name}; it lies in {recorder.folder}." for name in sender.uploader.failed]
            if unread:
                lost.append(f" {unread} could not be read back from the journal, and are not there.")
            if sender.unreadable:
                lost.append(f" What was in {sender.unreadable} damaged places of the journal is missing; it stays in {recorder.folder}.")
            run._say(f"Finished: {rows} {'is' if count == 1 else 'are'} on the server.{refused}{''.join(lost)} {run.url}")
            if not lost:
                folders.remove_run_folder(recorder.folder)
        else:
            run._terminal.say(f"Finished, but {self._left()} did not reach the server.{refused} To send: runkey sync {recorder.folder}")

    def _left(self) -> str:
        recorder, sender = self._run._recorder, self._run._sender
        assert recorder is not None
        assert sender is not None
        rows = recorder.next_line - max(sender.acknowledged.rows, recorder.first_line)
        files = sender.uploader.left
        words = [f"{rows} rows" if rows != 1 else "1 row"] if rows else []
        words += [f"{files} files" if files != 1 else "1 file"] if files else []
        return " and ".join(words) or "the run's last word"
