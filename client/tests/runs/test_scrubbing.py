"""No key of ours, and no key in use, is in what goes up by itself: wherever it stands, and however it was printed."""

import base64
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runkey.console.lines import Lines
from runkey.scrubbing import NOTE, Scrubber
from runkey_wire import api_key

BODIES = st.text(api_key.ALPHABET, min_size=api_key.BODY_CHARACTERS, max_size=api_key.BODY_CHARACTERS)
KEYS = st.builds(api_key.join, st.sampled_from(sorted(api_key.PREFIX_BY_KIND)), BODIES)
# What stands around a key: anything, and what could lead a search for it astray.
ASTRAY = st.sampled_from(
    ["rku_", "rk", "r", "rkm_0", "_", "0" * 36, "rku_" + "a" * 36, "\x1b[31m", "\r", "\b", "\n", "=", '"', "é", "\ud800"]
)
AROUND = st.lists(st.one_of(st.text(max_size=8), ASTRAY), max_size=6).map("".join)
FOREIGN = st.text("0123456789abcdef", min_size=40, max_size=40)


def quiet() -> Scrubber:
    return Scrubber(lambda _: None)


@given(AROUND, KEYS, AROUND, KEYS)
def test_no_key_of_ours_survives_anywhere(before: str, key: str, after: str, second: str) -> None:
    clean = quiet().scrub(f"{before}{key}{after}{second}{key}", "it")
    assert key not in clean
    assert second not in clean
    assert f"{key[:4]}…{NOTE}" in clean


@given(AROUND, FOREIGN, AROUND)
def test_no_key_in_use_survives_whatever_its_shape(before: str, key: str, after: str) -> None:
    scrubber = quiet()
    scrubber.learn(key)
    basic = base64.b64encode(f"api:{key}".encode()).decode()
    clean = scrubber.scrub(f"{before}{key}{after} Authorization: Basic {basic}", "it")
    assert key not in clean
    assert basic.rstrip("=") not in clean


@given(AROUND)
def test_what_has_no_key_stays_as_it_is(text: str) -> None:
    scrubber = Scrubber(lambda words: pytest.fail(words))
    scrubber.learn("f" * 40)
    assert scrubber.scrub(text, "it") == text


@given(st.booleans(), AROUND, st.one_of(KEYS, FOREIGN), AROUND, st.lists(st.integers(0, 120), max_size=6))
def test_no_key_survives_being_printed_in_pieces(is_error: bool, before: str, key: str, after: str, cuts: list[int]) -> None:
    text, scrubber, at = f"{before}{key}{after}", quiet(), 0
    scrubber.learn(key)
    sent: list[str] = []
    with tempfile.TemporaryFile() as spool, tempfile.NamedTemporaryFile() as log:
        lines = Lines(scrubber, spool)  # type: ignore[arg-type]
        for cut in [*sorted(cuts), len(text)]:
            lines.write(is_error, text[at:cut], 0.0)
            at = max(at, min(cut, len(text)))
            sent += [line for _, block in lines.take_changed(0.0, is_last=at == len(text)) for line in block]
        lines.write_file(log.name)
        whole = log.read().decode()
    assert key not in "\n".join(sent)
    assert key not in whole


@given(AROUND.filter(lambda text: not set(text) & set("\r\n\b\x1b")), st.one_of(KEYS, FOREIGN), st.integers(4, 39))
def test_half_a_key_at_the_end_of_an_open_line_is_kept_back(before: str, key: str, length: int) -> None:
    scrubber = quiet()
    scrubber.learn(key)
    lines = Lines(scrubber)
    lines.write(False, before + key[:length], 0.0)
    (_, (line,)), *others = lines.take_changed(0.0)
    assert not others
    time, _, text = line.partition(" ")
    assert time.startswith("1970-")
    assert key[:length] not in text or key[:length] in before


def test_it_is_told_once_and_never_names_the_key() -> None:
    told: list[str] = []
    scrubber, key = Scrubber(told.append), api_key.join("machine", "1" * 30)
    assert scrubber.scrub(f"a {key} b", "the config") == f"a rkm_…{NOTE} b"
    scrubber.scrub(f"again {key}", "what was printed")
    assert len(told) == 1
    assert "the config" in told[0]
    assert key[4:] not in told[0]


def test_a_word_too_short_to_be_a_key_is_not_learnt() -> None:
    scrubber = quiet()
    scrubber.learn("short")
    scrubber.learn(None)
    assert scrubber.scrub("a short word", "it") == "a short word"


def test_a_key_whose_checksum_is_wrong_is_none() -> None:
    key = api_key.join("user", "1" * 30)
    damaged = key[:-1] + ("0" if key[-1] != "0" else "1")
    assert quiet().scrub(damaged, "it") == damaged
