"""Opens the person's browser, where one can be: never over SSH, never one that would take over the terminal."""

import os
import shutil
import subprocess
import sys

from runkey.settings import Environment

_TEXT_BROWSERS = frozenset({"elinks", "links", "links2", "lynx", "w3m", "www-browser", "browsh", "carbonyl"})
_LINUX_OPENERS = ("xdg-open", "wslview", "x-www-browser", "gio", "firefox", "chromium", "google-chrome")


def find_opener(environment: Environment) -> list[str] | None:
    """Give the command that opens an address beside this terminal; None where no window can show.

    $BROWSER (a list, as webbrowser reads it) comes first, and is passed over where it names a text browser.
    """
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY") or environment.get("SSH_CLIENT"):
        return None
    for named in (environment.get("BROWSER") or "").split(os.pathsep):
        words = named.replace("%s", "").split()
        if words and os.path.basename(words[0]) not in _TEXT_BROWSERS and shutil.which(words[0]):
            return words
    if sys.platform == "darwin":
        return ["open"]
    if sys.platform == "win32":
        return ["rundll32", "url.dll,FileProtocolHandler"]
    is_wsl = bool(environment.get("WSL_DISTRO_NAME"))
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY") or is_wsl):
        return None
    for name in _LINUX_OPENERS:
        # Debian's x-www-browser may be set to a text browser.
        path = shutil.which(name)
        if path and os.path.basename(os.path.realpath(path)) not in _TEXT_BROWSERS:
            return [path, "open"] if name == "gio" else [path]
    return None


def open_address(opener: list[str], address: str) -> bool:
    """Open an address; whether the command could be started.

    Without a terminal, in a session of its own: whatever it starts can neither write here nor be ended by Ctrl-C.
    """
    try:
        subprocess.Popen(
            [*opener, address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
