"""Every word that a person sees, and every question asked of one.

Messages go to standard error; answers of a command to standard output. A person is there when standard input and standard error are
terminals, or in a Jupyter kernel; nobody else is ever asked anything. No colour is used at all, so there is none to turn off.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

PREFIX = "runkey: "


class TimedOut(Exception):
    """Nobody answered in time."""


class Terminal:
    """The person in front of this process, if there is one."""

    def __init__(self, stdin: TextIO | None = None, stderr: TextIO | None = None) -> None:
        """Speak through these; by default those of the process, looked up anew each time because notebooks and tests replace them."""
        self._stdin = stdin
        self._stderr = stderr

    @property
    def stdin(self) -> TextIO | None:
        """Where answers come from; None when there is nothing."""
        return self._stdin or sys.stdin

    @property
    def stderr(self) -> TextIO | None:
        """Where words go to; None when there is nothing (a Windows program without a console)."""
        return self._stderr or sys.stderr

    def say(self, text: str) -> None:
        """Say a sentence, in one line. Control characters in it, which may come from a server, are made harmless."""
        if self.stderr is not None:
            # Closed, or a pipe that nobody reads any more: nobody hears it, and a training goes on.
            # So is one in a signal's handler, in the middle of another.
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                print(PREFIX + printable(text), file=self.stderr, flush=True)

    def progress(self, text: str) -> None:
        """Show how far something is, in the place of what was shown before; nothing where nobody watches. An empty text clears it."""
        if self.stderr is not None and _is_terminal(self.stderr):
            print(f"\r\x1b[K{PREFIX}{printable(text)}" if text else "\r\x1b[K", end="", file=self.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Say something that may be wrong."""
        self.say(f"Warning: {text}")

    @property
    def is_notebook(self) -> bool:
        """Whether this is a Jupyter kernel."""
        return _kernel() is not None

    @property
    def has_person(self) -> bool:
        """Whether somebody can be asked."""
        return self.is_notebook or (_is_terminal(self.stdin) and _is_terminal(self.stderr))

    @property
    def can_type(self) -> bool:
        """Whether somebody can type: not in a kernel that runs a notebook from beginning to end, whose cells still can show a link."""
        kernel = _kernel()
        return self.has_person if kernel is None else bool(getattr(kernel, "_allow_stdin", True))

    def invite(self, address: str, code: str, is_opened: bool) -> "Invitation":
        """Show where to approve this machine. is_opened: a browser is about to show it by itself."""
        if self.is_notebook:
            return _NotebookInvitation(address, code)
        elsewhere = "Your browser opens now. If it does not, open this address on any device:"
        self.say(elsewhere if is_opened else "Open this address in a browser, on any device:")
        self.say(f"  {address}")
        self.say(f"The page must show the code {code}, good for ten minutes.")
        self.say("Waiting for your click there; Ctrl-C leaves.")
        return Invitation(self)

    def choose(self, entries: list[str], timeout: float | None = None) -> int:
        """Offer a numbered menu; give the index of what was chosen, the first for Enter alone. A single entry is taken without asking.

        Raises TimedOut, EOFError at the end of input, KeyboardInterrupt.
        """
        if len(entries) == 1:
            return 0
        for number, entry in enumerate(entries, 1):
            self.say(f"({number}) {entry}")
        while True:
            answer = self._ask("Enter your choice [1]: ", timeout, hidden=False).strip() or "1"
            if answer.isdecimal() and 1 <= int(answer) <= len(entries):
                return int(answer) - 1
            self.say(f"That is none of the choices. Type a number from 1 to {len(entries)}.")

    def ask(self, question: str, timeout: float | None = None) -> str:
        """Ask for a line. Raises as `choose` does."""
        return self._ask(question, timeout, hidden=False)

    def ask_hidden(self, question: str, timeout: float | None = None) -> str:
        """Ask for a line that is not shown. Raises as `choose` does."""
        return self._ask(question, timeout, hidden=True)

    @contextlib.contextmanager
    def hiding(self) -> Iterator[None]:
        """Show nothing of what is typed during the block, also between two questions: a paste may come early."""
        stdin = self.stdin
        if self.is_notebook or stdin is None or sys.platform == "win32":
            yield
            return
        import termios

        before = termios.tcgetattr(stdin.fileno())
        _show_typing(stdin, False)
        try:
            yield
        finally:
            termios.tcsetattr(stdin.fileno(), termios.TCSADRAIN, before)

    def _ask(self, question: str, timeout: float | None, *, hidden: bool) -> str:
        if self.is_notebook:
            return _ask_in_notebook(PREFIX + question, hidden=hidden)
        assert self.stdin is not None  # has_person was asked before
        assert self.stderr is not None
        self.stderr.write(PREFIX + question)
        self.stderr.flush()
        read: Callable[[TextIO, float | None, bool], str] = _read_windows if sys.platform == "win32" else _read_posix
        try:
            line = read(self.stdin, timeout, hidden)
        except TimedOut:
            self._end_line()
            raise
        if hidden or not line:
            # The Enter was not shown, or never came.
            self._end_line()
        if not line:
            raise EOFError
        return line.rstrip("\r\n")

    def _end_line(self) -> None:
        if self.stderr is not None:
            self.stderr.write("\n")
            self.stderr.flush()


class Invitation:
    """What is shown while somebody is awaited at a browser."""

    def __init__(self, terminal: Terminal) -> None:
        """Stand in a terminal, where what was said stays."""
        self._terminal = terminal

    def note(self, text: str) -> None:
        """Say something about the waiting."""
        self._terminal.say(text)

    def replace(self, text: str) -> None:
        """Put the result in its place."""

    def withdraw(self) -> None:
        """Take it back: nobody is awaited any more."""


class _NotebookInvitation(Invitation):
    """Plain HTML in a cell's output. It is replaced in the end, so that a saved notebook holds neither address nor code."""

    def __init__(self, address: str, code: str) -> None:
        from html import escape

        from IPython.display import display

        shown = escape(address, quote=True)
        html = (
            f'<p>Open <a href="{shown}" target="_blank" rel="noopener noreferrer">{shown}</a> and approve this machine.<br>'
            f"The page must show the code <code><b>{escape(code)}</b></code>, good for ten minutes. "
            "Waiting for your click there; interrupt the cell to leave.</p>"
        )
        text = f"Open {address} and approve this machine. The page must show the code {code}."
        show: Any = display
        self._handle = show({"text/html": html, "text/plain": text}, raw=True, display_id=True)

    def note(self, text: str) -> None:
        """Say nothing: the cell has the link."""

    def replace(self, text: str) -> None:
        from html import escape

        self._handle.update({"text/html": f"<p>{escape(text)}</p>", "text/plain": text}, raw=True)

    def withdraw(self) -> None:
        self.replace("Nobody is awaited any more.")


def printable(text: str) -> str:
    """Replace what a terminal would act on: a name that a server sends must neither move the cursor nor begin a line of its own."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _kernel() -> Any:
    """Give the kernel that this process is, or None."""
    if "ipykernel" not in sys.modules or "IPython" not in sys.modules:
        return None
    return getattr(sys.modules["IPython"].get_ipython(), "kernel", None)


def _is_terminal(stream: Any) -> bool:
    try:
        return stream is not None and bool(stream.isatty())
    except ValueError:  # closed
        return False


def _ask_in_notebook(question: str, *, hidden: bool) -> str:
    if not hidden:
        return input(question)
    # slow import
    import getpass

    return getpass.getpass(question)


def _read_posix(stdin: TextIO, timeout: float | None, hidden: bool) -> str:
    """Read a line with a deadline. Not getpass, which knows none and reads from the terminal even where input was replaced."""
    import select
    import termios

    descriptor = stdin.fileno()
    before = termios.tcgetattr(descriptor)
    if hidden:
        _show_typing(stdin, False)
    try:
        if timeout is not None and not select.select([descriptor], [], [], timeout)[0]:
            raise TimedOut
        # Not the stream's own buffer: what was typed ahead stays for whoever asks next.
        data = b""
        while not data.endswith(b"\n"):
            piece = os.read(descriptor, 4096)
            if not piece:
                break
            data += piece
        return data.decode(errors="replace")
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _show_typing(stdin: TextIO, shown: bool) -> None:
    import termios

    modes = termios.tcgetattr(stdin.fileno())
    modes[3] = modes[3] | termios.ECHO if shown else modes[3] & ~termios.ECHO
    termios.tcsetattr(stdin.fileno(), termios.TCSADRAIN, modes)


def _read_windows(stdin: TextIO, timeout: float | None, hidden: bool) -> str:  # pragma: no cover - Windows
    import msvcrt
    import time

    deadline = None if timeout is None else time.monotonic() + timeout
    typed: list[str] = []
    while True:
        if not msvcrt.kbhit():  # type: ignore[attr-defined, unused-ignore]
            if deadline is not None and time.monotonic() > deadline:
                raise TimedOut
            time.sleep(0.02)
            continue
        character = msvcrt.getwch()  # type: ignore[attr-defined, unused-ignore]
        if character in "\r\n":
            return "".join(typed) + "\n"
        if character == "\x03":
            raise KeyboardInterrupt
        if character == "\x1a" and not typed:
            return ""
        if character == "\b":
            typed[-1:] = []
        elif character not in "\x00\xe0":
            typed.append(character)
        if not hidden:
            msvcrt.putwch(character)  # type: ignore[attr-defined, unused-ignore]
