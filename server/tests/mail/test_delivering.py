"""Letters go out once, are tried again, are dropped in time, and a copy of the database opens none of their links."""

import smtplib
from datetime import timedelta

import pytest
import sqlalchemy as sa
from house import Person, StillClock

from runkey_server import accounts, mail
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.mail import Letter, Postman
from runkey_server.mail.tables import letters

SIGNING = b"s" * 32


class Office:
    """Takes letters, or fails as it is told."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str]] = []
        self.failure: Exception | None = None

    def send(self, to: str, subject: str, text: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.taken.append((to, subject, text))


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def postman(database: Database, clock: StillClock, office: Office) -> Postman:
    return Postman(database, office, "https://track.example.org", SIGNING, clock)


def waiting(database: Database) -> int:
    with database.reading() as transaction:
        return int(transaction.execute(sa.select(sa.func.count()).select_from(letters)).scalar_one())


def put(database: Database, clock: StillClock, **options: object) -> None:
    with database.writing() as transaction:
        mail.put(transaction, Letter("mira@example.org", "A machine joined. Look:", "/settings/machines"), at=clock(), **options)


def test_a_letter_goes_out_once_with_the_address_of_its_page(
    database: Database, clock: StillClock, office: Office, postman: Postman
) -> None:
    put(database, clock)
    postman.deliver_due()
    postman.deliver_due()
    text = "A machine joined. Look:\n\nhttps://track.example.org/settings/machines\n"
    assert office.taken == [("mira@example.org", "A machine joined", text)]
    assert waiting(database) == 0


@pytest.mark.parametrize("failure", [ConnectionRefusedError(), smtplib.SMTPServerDisconnected(), smtplib.SMTPDataError(451, b"later")])
def test_what_fails_is_tried_again_later_each_time(
    database: Database, clock: StillClock, office: Office, postman: Postman, failure: Exception
) -> None:
    put(database, clock)
    office.failure = failure
    postman.deliver_due()
    clock.advance(seconds=29)
    office.failure = None
    postman.deliver_due()
    assert office.taken == []
    clock.advance(seconds=1)
    office.failure = failure
    postman.deliver_due()
    clock.advance(seconds=59)
    office.failure = None
    postman.deliver_due()
    assert office.taken == []
    clock.advance(seconds=1)
    postman.deliver_due()
    assert len(office.taken) == 1


def test_a_refused_address_is_given_up(database: Database, clock: StillClock, office: Office, postman: Postman) -> None:
    put(database, clock)
    office.failure = smtplib.SMTPRecipientsRefused({})
    postman.deliver_due()
    assert waiting(database) == 0


def test_letters_end_with_a_day_or_with_their_code(database: Database, clock: StillClock, office: Office, postman: Postman) -> None:
    put(database, clock)
    put(database, clock, ends_at=clock() + timedelta(minutes=30))
    office.failure = ConnectionRefusedError()
    postman.deliver_due()
    clock.advance(minutes=31)
    postman.deliver_due()
    assert waiting(database) == 1
    clock.advance(hours=24)
    office.failure = None
    postman.deliver_due()
    assert (waiting(database), office.taken) == (0, [])


def test_without_a_server_letters_are_dropped_in_time(database: Database, clock: StillClock) -> None:
    put(database, clock)
    nobody = Postman(database, None, "https://track.example.org", SIGNING, clock)
    nobody.deliver_due()
    assert waiting(database) == 1
    clock.advance(hours=24)
    nobody.deliver_due()
    assert waiting(database) == 0


def test_a_link_lies_sealed_and_opens_under_no_other_key(
    database: Database, clock: StillClock, office: Office, postman: Postman, alice: Person
) -> None:
    with database.writing() as transaction:
        code = accounts.issue_link(transaction, accounts.RESET, at=clock(), account=alice.account)
        to = "alice@example.org"
        accounts.mail_link(transaction, accounts.RESET, code, to, seal_under=SIGNING, at=clock(), account=alice.account)
        body = transaction.execute(sa.select(letters.c.body)).scalar_one()
    assert code.encode() not in body
    assert b"welcome" not in body
    postman.deliver_due()
    assert office.taken[0][2].endswith(f"https://track.example.org/welcome#{code}\n")
    put(database, clock, seal_under=b"o" * 32)
    postman.deliver_due()
    assert (len(office.taken), waiting(database)) == (1, 0)


def test_no_address_no_letter(database: Database, clock: StillClock, alice: Person) -> None:
    with database.writing() as transaction:
        accounts.tell(transaction, alice.account.id, "Something happened.", "/", clock())
    assert waiting(database) == 0
    with database.writing() as transaction, pytest.raises(Error) as refused:
        accounts.mail_link(transaction, accounts.INVITATION, "code", "no address", seal_under=SIGNING, at=clock())
    assert refused.value.code == "invalid"


@pytest.mark.parametrize("words", ["One.\r\nBcc: everybody@example.org. More", "x" * 1_000])
def test_a_subject_is_one_line(words: str) -> None:
    subject = Letter("mira@example.org", words, "/").subject
    assert "\n" not in subject
    assert "\r" not in subject
    assert 0 < len(subject) <= 150
