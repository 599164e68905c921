import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runkey_wire import api_key, file_stream, history_line, identity, names
from runkey_wire.errors import Malformed
from runkey_wire.file_stream import Chunk, FileStreamRequest

BODY = "".join(api_key.ALPHABET[i] for i in range(30))
KEY = api_key.join("user", BODY)


@pytest.mark.parametrize("kind", ["user", "machine", "service", "anonymous"])
def test_a_key_is_put_together_and_taken_apart(kind: str) -> None:
    key = api_key.join(kind, BODY)
    assert len(key) == api_key.LENGTH_CHARACTERS
    assert api_key.kind_of(key) == kind
    assert api_key.fault_of(key) is None
    assert "-" not in key


def test_the_checksum_is_the_documented_one() -> None:
    import zlib

    number = 0
    for character in KEY[-6:]:
        number = number * 62 + api_key.ALPHABET.index(character)
    assert number == zlib.crc32(KEY[:-6].encode())


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("", "is empty"),
        (" " + KEY, "begins or ends with a space"),
        (KEY + "\n", "begins or ends with a space"),
        (KEY[:10] + " " + KEY[11:], "has a space"),
        (KEY[:31], "is cut short: 31 of 40 characters"),
        (KEY + "x", "is too long: 41 characters"),
        (KEY[:10] + "é" + KEY[11:], "has a character that no key has"),
        (KEY[:10] + ("a" if KEY[10] != "a" else "b") + KEY[11:], "is damaged"),
        ("short", "is cut short: 5 of at least 40"),
        ("local-" + "a" * 39, "is cut short: 39 of at least 40"),
        ("a" * 39 + "!", "has a character that no key has"),
        ("a" * 40, None),
        ("local-" + "a" * 40, None),
        ("a" * 86, None),
        ("aaa.bbb.ccc", None),
    ],
)
def test_what_is_wrong_with_a_key(key: str, fault: str | None) -> None:
    found = api_key.fault_of(key)
    assert (found is None) if fault is None else (found is not None and found.startswith(fault))


@given(st.integers(0, 39), st.sampled_from(api_key.ALPHABET))
def test_any_changed_character_is_noticed(place: int, character: str) -> None:
    changed = KEY[:place] + character + KEY[place + 1 :]
    if changed != KEY and changed.startswith("rku_"):
        assert api_key.fault_of(changed) is not None


@given(st.text(max_size=100))
def test_no_words_about_a_key_give_it_away(text: str) -> None:
    for words in (api_key.fault_of(text) or "", api_key.summary_of(text)):
        assert len(text) < 12 or text not in words


def test_summary_tells_how_a_key_looks() -> None:
    assert api_key.summary_of(KEY) == f"40 characters, rku_…{KEY[-2:]}"
    assert api_key.summary_of("f" * 40) == "40 characters"


@pytest.mark.parametrize(("text", "looks"), [("must", False), ("allow", False), (KEY, True), ("rku_x", True), ("f" * 40, True)])
def test_looks_like_key(text: str, looks: bool) -> None:
    assert api_key.looks_like_key(text) is looks


@pytest.mark.parametrize("name", ["a", "0", "mira", "a-b_c", "a" * 63])
def test_entity_names(name: str) -> None:
    assert names.entity_fault(name) is None


@pytest.mark.parametrize("name", ["", "-a", "_a", "A", "a b", "a/b", "a.b", "é", "a" * 64, "a\n"])
def test_entity_names_that_are_none(name: str) -> None:
    assert names.entity_fault(name) is not None


@pytest.mark.parametrize("name", ["a", "A b", "é", "a.b", "日本", "x" * 128, "<b>", "a=b&c"])
def test_project_and_run_names(name: str) -> None:
    assert names.project_fault(name) is None
    assert names.run_id_fault(name) is None


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "#", "?", "%", "a:b", "a\nb", "\0", "x" * 129, ".", "..", "\ud800"])
def test_project_and_run_names_that_are_none(name: str) -> None:
    assert names.project_fault(name) is not None
    assert names.run_id_fault(name) is not None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
)


@given(st.dictionaries(st.text(), values))
def test_what_is_built_parses_back(row: dict[str, object]) -> None:
    assert history_line.parse(history_line.build(row)) == row


def test_bare_nan_and_infinities_are_read() -> None:
    row = history_line.parse('{"a": NaN, "b": -Infinity, "c": 123456789012345678901234567890}')
    assert math.isnan(row["a"])
    assert row["b"] == -math.inf
    assert row["c"] == 123456789012345678901234567890


@pytest.mark.parametrize("line", ["", "x", "[]", "1", "null", "{", "[" * 100_000])
def test_lines_that_are_no_rows(line: str) -> None:
    with pytest.raises(Malformed):
        history_line.parse(line)


chunks = st.builds(Chunk, st.integers(0, 2**31 - 100), st.lists(st.text(), max_size=99).map(tuple))
requests = st.builds(
    FileStreamRequest,
    files=st.dictionaries(st.text(), chunks),
    uploaded=st.lists(st.text()).map(tuple),
    preempting=st.booleans(),
    complete=st.just(True),
    exit_code=st.integers(-(2**31), 2**31 - 1),
)


@given(requests)
def test_a_request_that_is_built_parses_back(request: FileStreamRequest) -> None:
    assert file_stream.parse(json.loads(json.dumps(file_stream.build(request)))) == request


@given(requests)
def test_the_bytes_of_a_request_say_what_is_built(request: FileStreamRequest) -> None:
    # encode() is for speed; what it says must be what build() says.
    assert json.loads(file_stream.encode(request)) == json.loads(json.dumps(file_stream.build(request)))


def test_more_lines_than_are_written_at_once_and_half_a_surrogate_pair() -> None:
    lines = tuple(f'{{"x":{i}}}' for i in range(1_000))
    request = FileStreamRequest(files={"a": Chunk(3, lines), "b": Chunk(0, ("\ud800",))}, uploaded=("x",))
    assert json.loads(file_stream.encode(request)) == {
        "files": {"a": {"offset": 3, "content": list(lines)}, "b": {"offset": 0, "content": ["?"]}},
        "uploaded": ["x"],
    }


pieces = st.builds(Chunk, st.integers(0, 6), st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(tuple))


@given(pieces, pieces)
def test_two_merged_are_two_sent_one_after_the_other(first: Chunk, second: Chunk) -> None:
    def written(*chunks: Chunk) -> dict[int, str]:
        return {place: line for chunk in chunks for place, line in enumerate(chunk.lines, chunk.offset)}

    merged = file_stream.merge(first, second)
    touches = first.offset <= second.offset <= first.offset + len(first.lines)
    assert (merged is not None) is touches
    if merged is not None:
        assert written(merged) == written(first, second)


def test_the_empty_request_is_a_heartbeat() -> None:
    assert file_stream.build(FileStreamRequest()) == {}
    assert file_stream.encode(FileStreamRequest()) == b"{}"
    assert file_stream.parse({}) == FileStreamRequest()
    assert file_stream.parse({"files": None, "uploaded": None, "dropped": 0, "unknown": [1]}) == FileStreamRequest()


def test_no_file_has_more_lines_than_can_be_counted() -> None:
    last = 2**31 - 2
    assert file_stream.parse({"files": {"a": {"offset": last, "content": ["x"]}}}).files["a"] == Chunk(last, ("x",))
    for offset, content in ((last, ["x", "y"]), (last + 1, ["x"]), (2**31, [])):
        with pytest.raises(Malformed):
            file_stream.parse({"files": {"a": {"offset": offset, "content": content}}})


def test_content_as_one_string_is_one_line() -> None:
    parsed = file_stream.parse({"files": {"wandb-summary.json": {"offset": 0, "content": "{}"}}})
    assert parsed.files["wandb-summary.json"] == Chunk(0, ("{}",))


@given(values)
def test_any_json_is_read_or_named(body: object) -> None:
    try:
        file_stream.parse(body)
    except Malformed as malformed:
        assert malformed.field


def test_identity_binds_host_and_challenge() -> None:
    challenge = bytes(32)
    assert identity.message("A.Example", challenge) == identity.message("a.example", challenge)
    assert identity.message("a.example", challenge) != identity.message("b.example", challenge)
    assert identity.decode(identity.encode(challenge), 32, "challenge") == challenge
    assert len(identity.server_id(bytes(32))) == 16
    for bad in ("", "!!", identity.encode(bytes(31)), identity.encode(bytes(33))):
        with pytest.raises(Malformed):
            identity.decode(bad, 32, "challenge")
