"""Global ids, as W&B has them: base64 of `Type:number`."""

import base64
import binascii

from runkey_server.errors import Error


def build(kind: str, number: int) -> str:
    """Make the id of a thing: `Run`, 7 gives base64 of `Run:7`."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def number_of(kind: str, global_id: str) -> int:
    """Read the number out of an id. Raises Error `not_found` for anything but an id of this kind: nothing has such an id."""
    try:
        found, _, number = base64.b64decode(global_id, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        found, number = "", ""
    if found != kind or not number.isdecimal() or len(number) > 18:
        raise Error("not_found", f"There is no such {kind.lower()}.")
    return int(number)
