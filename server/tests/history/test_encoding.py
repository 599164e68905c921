"""Every form gives back every bit, and damage is noticed."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runkey_server.errors import Error
from runkey_server.history.columns import Column
from runkey_server.history.encoding import decode, decode_floats, encode, encode_floats

RANDOM = np.random.default_rng(3)
COUNT = 3_001
NOISE = RANDOM.standard_normal(COUNT)
# name: values, bytes a value that they may take at most
SERIES = {
    "noise": (NOISE, 7.1),
    "float32": (NOISE.astype(np.float32).astype(float), 3.5),
    "bf16": ((NOISE.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32).astype(float), 1.7),
    "rounded": (np.round(NOISE / 100, 4), 1.5),
    "rounded to nothing": (np.round(NOISE / 1e5, 4), 1.0),
    "clock": (1.76e9 + np.cumsum(RANDOM.random(COUNT)), 3.6),
    "nanoseconds": (np.round(np.cumsum(RANDOM.random(COUNT) / 100), 9), 3.3),
    "constant": (np.full(COUNT, np.pi), 0.1),
    "wide": (np.exp(NOISE * 150), 8.3),
    "odd": (np.where(RANDOM.random(COUNT) < 0.2, np.nan, np.where(RANDOM.random(COUNT) < 0.2, -np.inf, NOISE)), 7.5),
    "payload": (np.full(COUNT, np.nan).view(np.int64) + RANDOM.integers(0, 1 << 40, COUNT), 8.3),
    "ascending noise": (np.sort(NOISE), 7.1),
    "one": (NOISE[:1], 40.0),
}


@pytest.mark.parametrize("name", SERIES)
def test_every_form_gives_back_every_bit_and_is_small(name: str) -> None:
    values, most = SERIES[name]
    values = values.view(np.float64)
    part = encode_floats(values)
    np.testing.assert_array_equal(decode_floats(part).view(np.int64), values.view(np.int64))
    assert len(part) / len(values) <= most


def test_the_forms_that_there_are_are_all_taken() -> None:
    assert {encode_floats(values.view(np.float64))[0] for values, _ in SERIES.values()} == {2, 3, 4, 5, 6}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(width=64) | st.floats(width=32) | st.sampled_from([0.0, -0.0, 0.1, 1e-6, 123456.7]), min_size=1, max_size=50))
def test_any_floats_come_back(values: list[float]) -> None:
    column = Column.of(np.arange(len(values)) * 3 + 7, values)
    for is_passing in (False, True):
        found = decode(encode(column, is_passing=is_passing))
        np.testing.assert_array_equal(found.floats.view(np.int64), column.floats.view(np.int64))
        np.testing.assert_array_equal(found.lines, column.lines)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-(2**64), 2**64), min_size=1, max_size=50))
def test_any_whole_numbers_come_back(values: list[int]) -> None:
    column = Column.of(np.arange(len(values)), values)
    for is_passing in (False, True):
        assert decode(encode(column, is_passing=is_passing)).values() == values


def test_a_damaged_column_is_an_error_or_the_same() -> None:
    """Not every bit is watched over: what a checksum is for is left to the database. Nothing but our own error comes of any."""
    body = encode(Column.of(np.arange(0, 200, 2), [*NOISE[:50].tolist(), *range(30), *map(str, range(20))]))
    for place in range(len(body)):
        damaged = body[:place] + bytes((body[place] ^ 0x55,)) + body[place + 1 :]
        try:
            decode(damaged).values()
        except Error as error:
            assert error.code == "internal"
    for length in range(len(body)):
        with pytest.raises(Error):
            decode(body[:length])


def test_a_bit_that_was_lost_in_a_text_is_noticed() -> None:
    values = [f"word {place}" for place in range(300)]
    body = encode(Column.of(np.arange(len(values)), values))
    # Behind the frame's own head, where a size may stand that is worth a gigabyte.
    start = body.index(b"\x28\xb5\x2f\xfd") + 10
    for place in range(start, len(body)):
        damaged = body[:place] + bytes((body[place] ^ 1 << place % 8,)) + body[place + 1 :]
        try:
            found = decode(damaged)
        except Error:
            continue
        assert found.values() == values, "a bit that nothing depends on is no damage"


def test_a_frame_that_claims_to_be_huge_is_damaged() -> None:
    body = encode(Column.of(np.arange(300), ["x" * place for place in range(300)]))
    at = body.index(b"\x28\xb5\x2f\xfd")
    # RFC 8878, 3.1.1.1: one segment, whose size has eight bytes.
    claimed = body[: at + 4] + b"\xe0" + (1 << 45).to_bytes(8, "little") + body[at + 7 :]
    head = bytearray(claimed)
    lengths = struct.unpack_from("<5I", body, 14)
    struct.pack_into("<5I", head, 14, *lengths[:4], len(claimed) - at)
    with pytest.raises(Error, match="damaged"):
        decode(bytes(head))
