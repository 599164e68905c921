"""The operating system's keyring, by the `keyring` package, when `runkey[keyring]` is installed.

Asked in a child process with a deadline: a locked or absent secret service makes the package wait for ever, and program after program has
hung on it. The secret goes to the child by standard input, never by its arguments.
"""

import json
import subprocess
import sys

DEADLINE_SECONDS = 3.0
_SERVICE = "runkey"

_CHILD = """
import json, sys
request = json.load(sys.stdin)
import keyring
from keyring.backends import fail
if isinstance(keyring.get_keyring(), fail.Keyring):
    sys.exit(3)
name = request["host"] + " " + request["profile"]
if request["act"] == "get":
    print(json.dumps(keyring.get_password(request["service"], name)))
elif request["act"] == "set":
    keyring.set_password(request["service"], name, request["secret"])
    print("null")
else:
    keyring.delete_password(request["service"], name)
    print("null")
"""


def is_usable() -> bool:
    """Probe: whether the keyring answers in time. Done before anything is asked of a person."""
    answered, _ = _ask("get", "probe", "probe")
    return answered


def get(host: str, profile: str) -> str | None:
    """Give a host's secret; None when there is none, or no keyring that answers in time."""
    return _ask("get", host, profile)[1]


def put(host: str, profile: str, secret: str) -> bool:
    """Keep a host's secret; False when no keyring answers in time."""
    return _ask("set", host, profile, secret)[0]


def delete(host: str, profile: str) -> bool:
    """Forget a host's secret; False when no keyring answers in time, or it has none."""
    return _ask("delete", host, profile)[0]


def _ask(act: str, host: str, profile: str, secret: str | None = None) -> tuple[bool, str | None]:
    request = {"act": act, "service": _SERVICE, "host": host, "profile": profile, "secret": secret}
    try:
        answer = subprocess.run(
            # -P: the current folder, where anybody's code may lie, is no place to import from.
            [sys.executable, "-P", "-c", _CHILD],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=True,
        )
        value = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return False, None
    return True, value if isinstance(value, str) else None
