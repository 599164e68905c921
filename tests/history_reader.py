"""A reader of history that shares no code with ours: docs/history-format.md as a program. `rows(path, run_id)` reads a whole run."""

import json
import sqlite3
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import zstandard


def unzipped(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 30)


def numbers(part: bytes, kind: str) -> np.ndarray:
    data = np.frombuffer(part[2:] if part[1] == 2 else unzipped(part[2:]), np.uint8)
    return (data.reshape(int(kind[1]), -1).T.copy().reshape(-1) if part[1] == 1 else data).view("<" + kind)


def ints(part: bytes) -> np.ndarray:
    zigzag = numbers(part, "u8")
    plain = ((zigzag >> np.uint64(1)) ^ (np.uint64(0) - (zigzag & np.uint64(1)))).view(np.int64)
    return np.cumsum(plain) if part[0] == 1 else plain


def parted(part: bytes) -> np.ndarray:
    is_single, count, least, length = struct.unpack_from("<?IHI", part, 1)
    exponents = np.frombuffer(zlib.decompress(part[12 : 12 + length], -15), np.uint8).astype(np.uint64) + np.uint64(least)
    rest = np.frombuffer(part[12 + length :], np.uint8)
    if is_single:
        top = rest[2::3].astype(np.uint32)
        bits = (top >> 7 << 31) | (exponents.astype(np.uint32) << 23) | ((top & 127) << 16)
        return (bits | (rest[1::3].astype(np.uint32) << 8) | rest[0::3]).view(np.float32).astype(np.float64)
    signs = np.unpackbits(rest, count=count).astype(np.uint64)
    pairs, low = rest[-(-count // 8) : -6 * count], rest[-6 * count :].reshape(count, 6)
    bits = (signs << np.uint64(63)) | (exponents << np.uint64(52))
    bits |= np.stack([pairs & 15, pairs >> 4], 1).reshape(-1)[:count].astype(np.uint64) << np.uint64(48)
    return (bits | np.pad(low, ((0, 0), (0, 2))).reshape(-1).view("<u8")).view(np.float64)


def floats(part: bytes) -> np.ndarray:
    if part[0] == 6:
        return parted(part)
    if part[0] == 5:
        whole = ints(part[2:])
        return np.where(whole == -(2**53), -0.0, whole / 10.0 ** part[1])
    if part[0] == 4:
        return np.cumsum(numbers(part, "i8")).view(np.float64)
    return numbers(part, "f4").astype(np.float64) if part[0] == 3 else numbers(part, "f8")


def column(body: bytes) -> Iterator[tuple[int, object]]:
    version, count, first, is_dense, *lengths = struct.unpack_from("<BIq?5I", body)
    assert version == 1
    ends = 34 + np.cumsum(lengths)
    lines, kinds, of_floats, of_ints, others = (body[end - length : end] for end, length in zip(ends, lengths, strict=True))
    values = (iter(floats(of_floats).tolist() if of_floats else []), iter(ints(of_ints).tolist() if of_ints else []))
    values = (*values, iter(json.loads(unzipped(others)) if others else []))
    kinds = kinds * count if len(kinds) == 1 else unzipped(kinds)
    lines = range(first, first + count) if is_dense else ints(lines).tolist()
    return iter([(line, next(values[kind])) for line, kind in zip(lines, kinds, strict=True)])


def segment(body: bytes, first: int) -> Iterator[tuple[list[str] | None, int, object]]:
    if body[0] == 0:
        for line, text in enumerate(unzipped(body[1:]).decode().split("\n"), first):
            yield None, line, json.loads(text)
        return
    at = 5 + struct.unpack_from("<I", body, 1)[0]
    for path, length in zip(*json.loads(unzipped(body[5:at])), strict=True):
        yield from ((path, line, value) for line, value in column(body[at : at + length]))
        at += length


def rows(database: str, run_id: int, stream: int = 0) -> dict[int, dict]:
    found: dict[int, dict] = {}
    connection = sqlite3.connect(database)
    chunks = "SELECT path, body FROM history_bodies JOIN history_keys USING (run_id, stream, key_id) WHERE run_id = ? AND stream = ?"
    values = [(json.loads(path), *each) for path, body in connection.execute(chunks, (run_id, stream)) for each in column(body)]
    segments = "SELECT body, first_line FROM history_segments WHERE run_id = ? AND stream = ?"
    values += [each for row in connection.execute(segments, (run_id, stream)) for each in segment(*row)]
    connection.close()
    for path, line, value in values:
        level = found.setdefault(line, {})
        if path is None:
            level.update(value)
        for key in (path or [])[:-1]:
            level = level.setdefault(key, {})
        if path:
            level[path[-1]] = value
    return dict(sorted(found.items()))
