"""Sends a journal that never arrived, or only in part. Sending it twice changes nothing.

A journal goes to the server and the account that it was begun with, and to no other unless that is said; one that was begun without a
network goes to whoever is logged in. Where the server has rows of the run that this journal has not, somebody went on with it elsewhere:
it is left alone, because sending would put old rows in the place of theirs.
"""

from collections.abc import Callable
from typing import Any

from runkey.clock import Clock
from runkey.credentials.model import Credential
from runkey.errors import Error, ForbiddenError, UsageError
from runkey.runs import resuming
from runkey.runs.config import config_text
from runkey.runs.healing import another_credential
from runkey.runs.model import Standing
from runkey.runs.opening import Status, find_status, open_run
from runkey.runs.replaying import Replay
from runkey.runs.telling import Progress
from runkey.scrubbing import Scrubber
from runkey.stream import Acknowledged, Lock, Position, Sender, folders
from runkey_wire import file_stream

PATIENCE_SECONDS = 60.0


class Synced:
    """What became of one journal. outcome: sent, already sent, running, refused, unreadable, partly.

    is_whole: false where what was lost of it cannot be had any more; what could be read was sent.
    """

    def __init__(self, folder: str, outcome: str, said: str = "", **more: Any) -> None:
        """Hold it. said: in words, where there is something to say."""
        self.folder = folder
        self.outcome = outcome
        self.said = said
        self.error: Error | None = more.pop("error", None)
        self.is_whole = not more.get("damaged")
        self.more = more

    def as_dict(self) -> dict[str, Any]:
        """Give it for --json."""
        return {"folder": self.folder, "outcome": self.outcome, **({"message": self.said} if self.said else {}), **self.more}


class Syncing:
    """Sends journals as one credential. any_account: also those that were begun as another account. overwrite: also over newer rows."""

    def __init__(
        self,
        credential_for: Callable[[Standing], Credential],
        *,
        clock: Clock,
        say: Callable[[str], None],
        any_account: bool = False,
        overwrite: bool = False,
    ) -> None:
        """credential_for: finds the credential to send a journal with; raises when there is none."""
        self._credential_for = credential_for
        self._clock = clock
        self._say = say
        self._any_account = any_account
        self._overwrite = overwrite

    def send(self, folder: str) -> Synced:
        """Send one journal; what goes wrong with it is in what is given, except that nobody is logged in, or the server is away."""
        lock = Lock(folder)
        try:
            if not lock.take():
                return Synced(folder, "running", "Its process still runs, and sends it itself.")
        except OSError as error:
            return Synced(folder, "unreadable", f"It cannot be locked: {error.strerror}. Copy it to where you can write, and send that.")
        try:
            return self._send(folder)
        except OSError as error:
            return _unreadable(folder, error)
        finally:
            lock.release()

    def _send(self, folder: str) -> Synced:
        noted = Acknowledged(folder)
        if noted.is_complete:
            return Synced(
                folder, "already sent", "The server has all of it that it takes; what it refused, or what is damaged, lies there still."
            )
        try:
            replay = Replay(folder)
        except UsageError as error:
            return Synced(folder, "unreadable", str(error))
        if replay.standing is None:
            gone = "Its journal is gone: there is nothing to send. Remove the folder when it is of no use."
            damaged = "Its beginning is damaged: which run it is cannot be told. Its rows can be read with any pager."
            return Synced(folder, "unreadable", damaged if replay.first_segment else gone)
        if replay.torn_bytes or _faults(replay):
            self._say(f"{folder}: {_damage(replay)}")
        credential = self._credential_for(replay.standing)
        try:
            self._check_account(replay.standing, credential)
            count = self._open(replay, noted, credential)
            if replay.first_segment > max(1, noted.position.segment) and count < replay.standing.line:
                replay.missing += replay.first_segment - max(1, noted.position.segment)
                self._say(f"{folder}: files are gone from its beginning, and the server has not all that was in them.")
        except (UsageError, ForbiddenError) as error:
            return Synced(folder, "refused", str(error), error=error)
        return self._carry(folder, replay, noted, credential)

    def _check_account(self, standing: Standing, credential: Credential) -> None:
        if standing.account is None or credential.stands_for(standing.account) or self._any_account:
            return
        raise ForbiddenError(
            f"It was begun as {standing.account}, and you are {credential.account}. Log in as {standing.account}, or send it to "
            "your own account: --to-my-account"
        )

    def _open(self, replay: Replay, noted: Acknowledged, credential: Credential) -> int:
        """Make the run on the server, or make sure that what is there is this one; give how many rows of this journal's it has.

        Raises UsageError when it is another, and what `open_run` raises.
        """
        standing = replay.standing
        assert standing is not None
        if standing.account is not None and not credential.stands_for(standing.account):
            # Consented: to the own account, whatever entity it was begun in.
            standing.entity = ""
        status = find_status(credential, standing.entity or None, standing.project, standing.id)
        variables = standing.variables()
        if standing.mode == "offline" and not noted.is_open:
            resuming.check(standing.resume, status, standing.id)
            if standing.resume and status is not None:
                noted.first_lines = _first_lines(replay, status)
                variables["id"] = status.id
        if not self._overwrite and status is not None:
            self._check_rows(replay, noted, status)
        if status is None:
            noted.first_lines = {}
        count = 0 if status is None else _count(noted, status)
        if self._overwrite or status is None or count < noted.rows:
            # What was acknowledged once is not there (any more): another account's, or a server that was put back from a copy.
            noted.begin_again()
        config, private, metrics = replay.config()
        scrubber = Scrubber(self._say)
        scrubber.learn(credential.secret.reveal())
        opened = open_run(credential, {**variables, "config": config_text(config, private, metrics, scrubber.scrub)})
        standing.entity, standing.project, standing.id = opened.entity, opened.project, opened.id
        noted.is_open = True
        noted.save()
        return count

    def _check_rows(self, replay: Replay, noted: Acknowledged, status: Status) -> None:
        """Raise UsageError when the server's last row is none of this journal's, nor of the run it went on with."""
        count = _count(noted, status)
        standing = replay.standing
        assert standing is not None
        if count <= 0 or status.last_row is None or count == noted.rows:
            return
        lines = replay.lines_up_to(status.last_row)
        if lines is not None and lines[file_stream.HISTORY] == count:
            return
        if standing.is_resumed and count == standing.line and not noted.rows:
            return
        raise UsageError(
            "The server has rows of this run that are not in this journal: it was gone on with, or begun again, elsewhere. Sending would "
            "put these in their place; if that is meant: --overwrite"
        )

    def _carry(self, folder: str, replay: Replay, noted: Acknowledged, credential: Credential) -> Synced:
        standing = replay.standing
        assert standing is not None
        path = (standing.entity, standing.project, standing.id)
        sender = Sender(
            folder,
            _Told(replay),
            credential,
            path,
            clock=self._clock,
            say=self._say,
            stop=lambda: None,
            find_credential=another_credential,
            acknowledged=noted,
            odd=replay.odd,
            flush_seconds=0.05,
        )
        sender.start()
        told = Progress(self._clock, self._say, lambda: f"{max(0, replay.last_line - noted.rows)} of {replay.rows} rows to go.")
        try:
            done = sender.finish(PATIENCE_SECONDS, told, replay.exit_code, drains=replay.exit_code is None)
        finally:
            sender.abandon()
        url, lost = standing.url(credential.host), list(sender.uploader.failed)
        more = {"run": "/".join(path), "url": url, "rows": replay.rows, "exit_code": replay.exit_code}
        if _faults(replay):
            more["damaged"] = _faults(replay)
        if not done:
            left = max(0, replay.last_line - noted.rows)
            return Synced(folder, "partly", f"{left} rows did not reach the server. {sender.failure or ''}".strip(), **more)
        if replay.exit_code is None:
            open_run(credential, {"entity": path[0], "project": path[1], "name": path[2], "state": "crashed"})
        words = f" The server did not take: {', '.join(lost)}." if lost else ""
        if _faults(replay):
            words += f" Not whole: {_damage(replay)} What there was of it stays in {folder}: remove it when it is of no use."
        if words:
            noted.is_complete = True
            noted.save()
            return Synced(folder, "sent", f"{replay.rows} rows: {url}.{words}", **more)
        folders.remove_run_folder(folder)
        return Synced(folder, "sent", f"{replay.rows} rows: {url}", **more)


class _Told:
    """What the sender asks of a run that is over: its summary, once."""

    def __init__(self, replay: Replay) -> None:
        self._summary: str | None = replay.summary_text()

    def take_summary(self) -> str | None:
        summary, self._summary = self._summary, None
        return summary

    def take_changes(self) -> dict[str, Any] | None:
        return None

    def end(self) -> Position | None:
        return None

    def drop_before(self, position: Position) -> None:
        pass


def _unreadable(folder: str, error: OSError) -> Synced:
    place = error.filename if isinstance(error.filename, str) else folder
    how = "Mend that, or move that file away (what is in it is then missing), and send it again."
    return Synced(folder, "unreadable", f"{place} cannot be read: {error.strerror or type(error).__name__}. {how}")


def _count(noted: Acknowledged, status: Status) -> int:
    """Give how many rows the server has from where this journal began."""
    return status.lines[file_stream.HISTORY] - noted.first_lines.get(file_stream.HISTORY, 0)


def _first_lines(replay: Replay, status: Status) -> dict[str, int]:
    """Give where a journal begins that goes on with a run: behind what is there, but for what it, or a copy of it, sent before."""
    sent = replay.lines_up_to(status.last_row) if status.last_row is not None else None
    return status.lines if sent is None else {file: max(0, count - sent.get(file, 0)) for file, count in status.lines.items()}


def _faults(replay: Replay) -> int:
    return replay.damaged + len(replay.odd) + replay.missing


def _damage(replay: Replay) -> str:
    words = []
    places = replay.damaged + len(replay.odd)
    if places:
        words.append(f"{places} damaged place{'s' if places > 1 else ''} passed over")
    if replay.missing:
        words.append(f"{replay.missing} file{'s' if replay.missing > 1 else ''} of its journal missing")
    if replay.torn_bytes:
        words.append("what was being written when its process ended was dropped")
    return "; ".join(words) + "."
