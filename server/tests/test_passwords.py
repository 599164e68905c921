import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runkey_server import passwords


@pytest.mark.parametrize(
    ("password", "is_fine"),
    [
        ("four quiet otters at noon", True),
        ("xk7!pq2 vmz0-lw", True),
        ("a" * 15, False),
        ("abcabcabcabcabcabc", False),
        ("passwordpassword1", False),
        ("mira1234mira1234", False),
        ("tooshort", False),
        ("x" * 14, False),
        ("ü" * 300, False),
    ],
)
def test_what_is_allowed(password: str, is_fine: bool) -> None:
    assert (passwords.fault_of(password, context=("mira",)) is None) is is_fine


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
