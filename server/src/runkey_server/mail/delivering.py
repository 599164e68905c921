"""Hands letters over, one after the other, outside any transaction; what cannot be handed over is tried again, later each time."""

import json
import logging
import smtplib
from datetime import timedelta

from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.mail import store
from runkey_server.mail.model import Letter, Waiting
from runkey_server.mail.sealing import Seal
from runkey_server.mail.smtp import Smtp

_AT_ONCE = 20
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)

log = logging.getLogger("runkey_server")


class Postman:
    """Delivers for one server. Two of them at once could send a letter twice, so only who keeps house has one at work."""

    def __init__(self, database: Database, smtp: Smtp | None, base_url: str, signing_key: bytes, clock: Clock) -> None:
        """smtp None: letters are only dropped when their time is over."""
        self._database = database
        self._smtp = smtp
        self._base_url = base_url
        self._seal = Seal(signing_key)
        self._clock = clock

    def deliver_due(self) -> None:
        """Hand over what is due. Raises Error `unavailable`."""
        at = self._clock()
        with self._database.reading() as transaction:
            due = store.list_due(transaction, at, _AT_ONCE)
        if not due:
            return
        if self._smtp is not None:
            for waiting in due:
                self._deliver(self._smtp, waiting)
        with self._database.writing() as transaction:
            store.delete_ended(transaction, at)

    def _deliver(self, smtp: Smtp, waiting: Waiting) -> None:
        at = self._clock()
        letter = self._read(waiting)
        if letter is not None and waiting.ends_at > at:
            try:
                smtp.send(letter.to, letter.subject, f"{letter.words}\n\n{self._base_url}{letter.path}\n")
            except smtplib.SMTPRecipientsRefused:
                log.warning("mail: letter %d dropped, its address is refused", waiting.id)
            except (OSError, smtplib.SMTPException) as error:
                pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(waiting.tries, 10))
                log.warning("mail: letter %d waits, the SMTP server fails: %s", waiting.id, type(error).__name__)
                with self._database.writing() as transaction:
                    store.postpone(transaction, waiting.id, at + pause)
                return
        with self._database.writing() as transaction:
            store.delete_letter(transaction, waiting.id)

    def _read(self, waiting: Waiting) -> Letter | None:
        body = self._seal.open(waiting.body) if waiting.is_sealed else waiting.body
        return None if body is None else Letter(waiting.to, **json.loads(body))
