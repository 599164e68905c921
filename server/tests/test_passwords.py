import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runkey_server import guessable, passwords


@pytest.mark.parametrize(
    ("password", "is_fine"),
    [
        ("four quiet otters at noon", True),
        ("xk7!pq2 vmz0-lw", True),
        ("a" * 15, False),
        ("abcabcabcabcabcabc", False),
        ("passwordpassword1", False),
        ("a lantern hums in Oslo", True),
        ("Trombone-41-Kestrel", True),
        ("the summer of 1987 in Lyon", True),
        ("Ich mag keine Birnen!", True),
        ("vT9$kq-Wz3&mLr7", True),
        ("correct horse battery staple", False),
        ("P@ssw0rd1234567890", False),
        ("Summer2024!Summer2024!", False),
        ("qwertyuiopasdfgh", False),
        ("1qaz2wsx3edc4rfv", False),
        ("zaq12wsxcde34rfv", False),
        ("poiuytrewqlkjhgfdsa", False),
        ("abcdefghijklmnop", False),
        ("9876543210987654", False),
        ("iloveyouiloveyou1", False),
        ("Welcome1Welcome1!", False),
        ("adminadminadmin!!", False),
        ("letmein123letmein123", False),
        ("dragonmonkey20242024", False),
        ("m1r4-m1r4-m1r4-2026", False),
        ("example.org-mira-1234", False),
        ("runkeyrunkeyrunkey1", False),
        ("qwerty123456qwerty", False),
        ("Password!Password!", False),
        ("LiverpoolChelsea99", False),
        ("mira1234mira1234", False),
        ("tooshort", False),
        ("x" * 14, False),
        ("ü" * 300, False),
    ],
)
def test_what_is_allowed(password: str, is_fine: bool) -> None:
    """The tries are ours; the account is called mira."""
    assert (passwords.fault_of(password, context=("mira", "mira@example.org")) is None) is is_fine


@settings(max_examples=8, deadline=None)
@given(st.text(min_size=1, max_size=120))
def test_right_is_right_and_anything_else_is_not(password: str) -> None:
    try:
        password.encode()
    except UnicodeEncodeError:
        return
    kept = passwords.hash_password(password)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.is_right(password, kept)
    assert not passwords.is_right(password + "x", kept)
    assert not passwords.is_right(password, None)


def test_the_same_accent_from_another_keyboard() -> None:
    assert passwords.is_right("cafe\u0301 at the corner", passwords.hash_password("caf\u00e9 at the corner"))


def test_every_common_word_is_refused_however_it_is_made_long_enough() -> None:
    """Repeated, capitalised, in disguise, with years and digits, beside another one."""
    words = sorted(guessable.WORDS)
    disguise = str.maketrans("aeos", "4305")
    for word, other in zip(words, words[1:] + words[:1], strict=True):
        for long in (
            word * 8,
            word.title() * 8 + "1!",
            word.translate(disguise) * 8,
            f"{word}{other}{word}20261234567890",
            f"{other}-{word}!123456789012345",
        ):
            assert passwords.fault_of(long[:200]) is not None, long
    assert len(words) > 300


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=20, max_size=60))
def test_what_is_left_is_never_more_than_there_was(password: str) -> None:
    assert len(guessable.rest_of(password)) <= len(password)


def test_random_passwords_are_fine() -> None:
    drawn = random.Random(7)
    letters = string.ascii_letters + string.digits + string.punctuation
    refused = [word for word in ("".join(drawn.choices(letters, k=15)) for _ in range(2_000)) if passwords.fault_of(word)]
    assert refused == []
