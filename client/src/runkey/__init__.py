"""Log a machine in, so that what runs on it can log data to your account, on a server that is yours.

    import runkey

    runkey.login()                                          # once a machine
    run = runkey.init(project="digits", config={"lr": 0.1})
    run.log({"loss": 0.3})
    run.finish()

This is the whole public face; it is loaded when it is used, so that importing runkey costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

from runkey import absent
from runkey_wire.version import __version__

if TYPE_CHECKING:
    from runkey.authentication import Login as Login
    from runkey.authentication import login as login
    from runkey.errors import AuthenticationError as AuthenticationError
    from runkey.errors import CannotStore as CannotStore
    from runkey.errors import ConnectionFailed as ConnectionFailed
    from runkey.errors import Error as Error
    from runkey.errors import ForbiddenError as ForbiddenError
    from runkey.errors import NotLoggedIn as NotLoggedIn
    from runkey.errors import ServerError as ServerError
    from runkey.errors import UsageError as UsageError
    from runkey.errors import WrongServer as WrongServer
    from runkey.leaving import logout as logout
    from runkey.media import Audio as Audio
    from runkey.media import Histogram as Histogram
    from runkey.media import Html as Html
    from runkey.media import Image as Image
    from runkey.media import Table as Table
    from runkey.media import Video as Video
    from runkey.runs import Run as Run
    from runkey.runs import Settings as Settings
    from runkey.runs import define_metric as define_metric
    from runkey.runs import finish as finish
    from runkey.runs import init as init
    from runkey.runs import log as log
    from runkey.runs import log_code as log_code
    from runkey.runs import save as save

_HOMES = {
    "runkey.authentication": ("Login", "login"),
    "runkey.errors": (
        "AuthenticationError",
        "CannotStore",
        "ConnectionFailed",
        "Error",
        "ForbiddenError",
        "NotLoggedIn",
        "ServerError",
        "UsageError",
        "WrongServer",
    ),
    "runkey.leaving": ("logout",),
    "runkey.media": ("Audio", "Histogram", "Html", "Image", "Table", "Video"),
    "runkey.runs": ("Run", "Settings", "define_metric", "finish", "init", "log", "log_code", "save"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604 - loaded by __getattr__
    "__version__",
    "config",
    "run",
    "summary",
    *sorted(_HOME_OF),
]


def __getattr__(name: str) -> Any:
    import importlib

    if name in ("config", "run", "summary"):
        return getattr(importlib.import_module("runkey.runs"), f"current_{name}")()
    if name not in _HOME_OF:
        raise AttributeError(absent.words_for_module(name))
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


absent.answer_imports()
