"""A name for a run whose author gave none: two words and a number, easy to say and to tell apart."""

import secrets

_FIRST = (
    "amber brisk calm clear copper coral crisp dawn deep early fair fleet fresh gentle glad golden green hazel honest keen "
    "kind lively lunar mellow misty noble pale plain quick quiet rapid rosy sandy sharp silver solar steady still swift warm"
).split()
_SECOND = (
    "anchor ash badger bay beacon birch bridge brook cedar cliff comet cove crane delta ember falcon fern field finch fjord "
    "garden glacier grove harbor heron hill island lake lantern lark maple meadow moor otter pine reef ridge river sparrow stone"
).split()


def mint_display_name() -> str:
    """Make a display name such as `quiet-heron-417`."""
    return f"{secrets.choice(_FIRST)}-{secrets.choice(_SECOND)}-{secrets.randbelow(900) + 100}"
