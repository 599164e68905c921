"""How a record lies in a journal: `LLLLLLLL CCCCCCCC Kpayload\n`.

L is the length of kind and payload in hexadecimal, C their CRC-32 (zlib's), K one letter. No payload has a line break in it, so where a
record is damaged the next one is found behind the next line break, and a journal can be looked at with any pager.
The first record of a file is `V` with the format's name and number.
"""

from zlib import crc32

FORMAT = b"runkey journal 1"
_FORMATS = b"runkey journal "

HEAD, BEGIN, END = b"V", b"B", b"E"
HISTORY, OPEN_ROW = b"H", b"P"
"""A line of history: complete with this record; or open, to be added to by later records of the same line. `NUMBER JSON`."""
LINES = b"S"
"""Lines of another file of the run's stream: JSON {file, offset, lines}."""
CONFIG, SUMMARY, METRIC = b"C", b"U", b"M"
"""What changed: JSON {set, removed}; of a metric, its definition."""
FILE = b"F"
"""A file to send: JSON {name, path}, the path within the run's folder."""

HEADER_BYTES = 18
MAX_RECORD_BYTES = 64 * 1024 * 1024
"""Far above the longest line; a length beyond it is damage, and is not waited for."""


def frame(kind: bytes, payload: bytes) -> bytes:
    """Write one record. payload: without a line break."""
    body = kind + payload
    return b"%08x %08x %b\n" % (len(body), crc32(body), body)


def body_length(data: bytes, at: int) -> int | None:
    """Read the length that a header claims; None for what is no header."""
    if data[at + 8 : at + 9] != b" " or data[at + 17 : at + 18] != b" ":
        return None
    try:
        length = int(data[at : at + 8], 16)
    except ValueError:
        return None
    return length if 1 <= length <= MAX_RECORD_BYTES else None


def is_whole(data: bytes, at: int, body: bytes) -> bool:
    """Tell whether a body is what its header vouches for."""
    try:
        return int(data[at + 9 : at + 17], 16) == crc32(body)
    except ValueError:
        return False


def is_newer(payload: bytes) -> bool:
    """Tell whether a whole head names a format that this version does not know."""
    return payload.startswith(_FORMATS) and payload != FORMAT
