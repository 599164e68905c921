"""From the click on Approve to the return of `runkey login`, against a client that polls every five seconds as RFC 8628 has it."""

import argparse
import os
import pty
import re
import select
import statistics
import tempfile
import time
from pathlib import Path

from serving import BIN, Browser, Server, clean_environment, leave_the_servers_core, post_form, serving

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
GOAL_SECONDS = 1.0
PATIENCE_SECONDS = 30.0


class Command:
    """`runkey login` in a terminal of its own, as a person starts it who has another computer's browser at hand."""

    def __init__(self, server: Server, home: Path) -> None:
        home.mkdir(mode=0o700)
        words = [str(BIN / "runkey"), "login", "--host", server.url, "--no-browser"]
        environment = clean_environment() | {"HOME": str(home), "TERM": "dumb"}
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            os.execve(words[0], words, environment)
        self.seen = ""

    def user_code(self) -> str:
        """Answer the menu; give the code that it shows while it waits."""
        self._read_until("Enter your choice")
        os.write(self._terminal, b"\n")
        self._read_until("Waiting for your click")
        return re.findall(r"code ([A-Z]{4,5}-[A-Z]{4,5})", self.seen)[-1]

    def end(self) -> int:
        """Read on until it has ended; give its exit code."""
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status)

    def _read_until(self, words: str) -> None:
        while words not in self.seen:
            if not self._read():
                raise SystemExit(f"runkey login said: {self.seen}")

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], PATIENCE_SECONDS)[0]:
            raise SystemExit(f"runkey login says nothing more after: {self.seen}")
        try:
            data = os.read(self._terminal, 4096)
        except OSError:  # how Linux tells that nobody has the terminal open any more
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


def time_command(server: Server, browser: Browser, home: Path) -> float:
    """Give the seconds between the click and the end of the command."""
    command = Command(server, home)
    form = browser.open_approval(command.user_code())
    clicked = time.monotonic()
    browser.approve(form)
    code = command.end()
    took = time.monotonic() - clicked
    if code != 0:
        raise SystemExit(f"runkey login ended with {code}: {command.seen}")
    return took


def time_polling(server: Server, browser: Browser, share: float) -> float:
    """Give the seconds between the click and the poll that was answered with a key. share: of the interval, when the click comes."""
    _, asked = post_form(server.port, "/oauth/device_authorization", client_id="runkey", scope="runs")
    next_poll = time.monotonic() + asked["interval"]
    form = browser.open_approval(asked["user_code"])
    time.sleep(max(0.0, next_poll - asked["interval"] * (1 - share) - time.monotonic()))
    clicked = time.monotonic()
    browser.approve(form)
    while True:
        time.sleep(max(0.0, next_poll - time.monotonic()))
        status, answer = post_form(
            server.port, "/oauth/token", grant_type=DEVICE_GRANT, device_code=asked["device_code"], client_id="runkey"
        )
        if status == 200:
            return time.monotonic() - clicked
        if answer["error"] != "authorization_pending":
            raise SystemExit(f"The token endpoint answered {answer}.")
        next_poll = time.monotonic() + asked["interval"]


def main() -> None:
    """Print median and worst of the command, and of the client that polls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="how many logins by the command (default: 50)")
    parser.add_argument("--polling-rounds", type=int, default=5, help="how many by the client that polls (default: 5)")
    arguments = parser.parse_args()
    held: list[float] = []
    polled: list[float] = []
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "server") as server:
        leave_the_servers_core()
        browser = Browser(server, "mira")
        homes = Path(folder) / "homes"
        homes.mkdir()
        for turn in range(arguments.rounds):
            held.append(time_command(server, browser, homes / str(turn)))
            # One round of polling after each so many of the command, so that whatever else the machine does falls on both.
            if len(polled) < arguments.polling_rounds * (turn + 1) // arguments.rounds:
                # Clicks spread evenly over the interval: the mean of a few is then that of many.
                polled.append(time_polling(server, browser, (len(polled) + 0.5) / arguments.polling_rounds))
    middle = statistics.median(held)
    for name, values in (("runkey login", held), ("polling, 5 s", polled)):
        print(f"{name:13} median {statistics.median(values):6.3f} s   worst {max(values):6.3f} s   of {len(values)}")
    print(
        f"click to the command's return: median {middle:.2f} s, worst {max(held):.2f} s (goal {GOAL_SECONDS:.0f} s), "
        f"{statistics.median(polled) / middle:.0f} x as quick as a client that polls every 5 s"
    )


if __name__ == "__main__":
    main()
