"""Writes a PNG of 8-bit samples (W3C PNG, third edition) with the standard library, and reads the size of the common picture files."""

import struct
import zlib
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_SIDE = 65_500
"""Pillow's and JPEG's limit too: what is wider is no picture but an array that was meant otherwise."""

# Colour type (section 11.2.1) by number of channels: grey, grey with alpha, true colour, true colour with alpha.
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_LEVEL = 6


def write(width: int, height: int, channels: int, samples: bytes, rows: Any = None) -> bytes:
    """Write a picture. samples: row by row, width x channels bytes each.

    rows: the same as a NumPy array of height x (width x channels), where there is one; then each row is filtered as suits it, which makes
    photographs about half as large. Without it rows go unfiltered: in pure Python the filter would cost more than the rest together.
    """
    stride = width * channels
    if rows is not None:
        lines = _filtered(rows, channels)
    else:
        lines = b"".join(b"\0" + samples[at : at + stride] for at in range(0, stride * height, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, _LEVEL)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _filtered(rows: Any, channels: int) -> bytes:
    """Filter each row with None, Sub or Up (section 9.2), whichever leaves the smallest sum of absolute values (section 12.7)."""
    sub = rows.copy()
    sub[:, channels:] -= rows[:, :-channels]
    up = rows.copy()
    up[1:] -= rows[:-1]
    lines = []
    candidates = [(bytes([number]), candidate, _costs(candidate)) for number, candidate in enumerate((rows, sub, up))]
    for row in range(rows.shape[0]):
        kind, candidate, _ = min(candidates, key=lambda each: each[2][row])
        lines.append(kind + candidate[row].tobytes())
    return b"".join(lines)


def _costs(rows: Any) -> list[int]:
    costs: list[int] = abs(rows.view("int8").astype("int16")).sum(axis=1, dtype="int64").tolist()
    return costs


def size_of(path: str) -> tuple[int, int] | None:
    """Give width and height of a PNG, GIF, BMP or JPEG file; None for any other. Raises OSError."""
    with open(path, "rb") as file:
        head = file.read(32)
        if head.startswith(SIGNATURE) and len(head) >= 24:
            return _pair(struct.unpack(">II", head[16:24]))
        if head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
            return _pair(struct.unpack("<HH", head[6:10]))
        if head[:2] == b"BM" and len(head) >= 26:
            width, height = struct.unpack("<ii", head[18:26])
            return abs(width), abs(height)
        if head[:2] == b"\xff\xd8":
            file.seek(2)
            return _jpeg_size(file)
    return None


def _jpeg_size(file: Any) -> tuple[int, int] | None:
    """Look for the frame header (ITU T.81, B.2.2) among the segments."""
    while True:
        marker = file.read(2)
        if len(marker) < 2 or marker[0] != 0xFF:
            return None
        if marker[1] == 0xFF:  # padding
            file.seek(-1, 1)
            continue
        length = file.read(2)
        if len(length) < 2:
            return None
        if 0xC0 <= marker[1] <= 0xCF and marker[1] not in (0xC4, 0xC8, 0xCC):
            frame = file.read(5)
            if len(frame) < 5:
                return None
            height, width = struct.unpack(">HH", frame[1:5])
            return width, height
        file.seek(struct.unpack(">H", length)[0] - 2, 1)


def _pair(numbers: tuple[Any, ...]) -> tuple[int, int]:
    return int(numbers[0]), int(numbers[1])
