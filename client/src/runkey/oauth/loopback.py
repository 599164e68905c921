"""The redirect to the loopback interface (RFC 8252 section 7.3): a listener for one answer, with PKCE (RFC 7636), `state` and `iss`.

It listens on 127.0.0.1, or [::1] where there is no other, answers to no other host name (a page elsewhere cannot reach it by a name that
resolves to this computer), and closes after the one answer that has this login's `state`. What comes is only an authorization code,
worthless without the verifier.
"""

import base64
import contextlib
import hashlib
import hmac
import secrets
import socket
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from runkey.credentials.model import Secret
from runkey_wire import device_authorization as wire

_SECONDS_FOR_A_REQUEST = 5.0


class Answer:
    """What the redirect brought: a code, or the error in its place."""

    __slots__ = ("code", "error")

    def __init__(self, code: str | None, error: str | None) -> None:
        """Hold one of both."""
        self.code = code
        self.error = error


class Loopback:
    """A listener that waits for one redirect."""

    def __init__(self, host: str, issuer: str, on_answer: Callable[[Answer], None]) -> None:
        """Listen on a free port. host: the server, whose page the browser is sent on to. Raises OSError where there is no loopback."""
        self.verifier = Secret(secrets.token_urlsafe(48))
        self._state = secrets.token_urlsafe(32)
        self._host = host
        self._issuer = issuer
        self._on_answer = on_answer
        self._server = self._listen()
        address, port = self._server.server_address[:2]
        self._place = f"[{address!s}]:{port}" if ":" in str(address) else f"{address!s}:{port}"
        self.redirect_uri = f"http://{self._place}{wire.CALLBACK_PATH}"
        self._lock = threading.Lock()
        self._is_done = False
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="runkey-login-redirect").start()

    def authorization_url(self, asking: dict[str, str]) -> str:
        """Write the address that the browser is opened with."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.reveal().encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": wire.CLIENT_ID,
            "scope": wire.SCOPE,
            "redirect_uri": self.redirect_uri,
            "state": self._state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **asking,
        }
        return f"{self._host}{wire.AUTHORIZE_PATH}?{urllib.parse.urlencode(query)}"

    def close(self) -> None:
        """Stop listening."""
        with self._lock:
            if self._is_done:
                return
            self._is_done = True
        self._stop()

    def _stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _listen(self) -> ThreadingHTTPServer:
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            listener = type("_FamilyListener", (_Listener,), {"address_family": family})
            try:
                server: ThreadingHTTPServer = listener((address, 0), self._handler())
            except OSError:
                continue
            return server
        raise OSError("no loopback interface")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _SECONDS_FOR_A_REQUEST
            server_version = "runkey"
            sys_version = ""

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                if self.headers.get("Host") != loopback._place:
                    self._answer(421, "This answers for no other host name.")
                elif path != wire.CALLBACK_PATH:
                    self._answer(404, "Nothing is here.")
                else:
                    self._take(loopback._read(query))

            def _take(self, answer: Answer | None) -> None:
                if answer is None:
                    # Whoever sent it does not know what the server was told: the one answer is still to come.
                    self._answer(400, "This is not the answer to the login that waits here. Go on with the code that it shows.")
                    return
                with loopback._lock:
                    if loopback._is_done:
                        self._answer(404, "Nothing is here.")
                        return
                    loopback._is_done = True
                self.send_response(303)
                denied = "?denied=1" if answer.error else ""
                self.send_header("Location", f"{loopback._host}/device/done{denied}")
                with contextlib.suppress(OSError):
                    self._end()
                loopback._on_answer(answer)
                threading.Thread(target=loopback._stop, daemon=True).start()

            def _answer(self, status: int, words: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self._end(words.encode())

            def _end(self, body: bytes = b"") -> None:
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.send_header("Referrer-Policy", "no-referrer")
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Write no log: the query holds the code."""

        return Handler

    def _read(self, query: str) -> Answer | None:
        """Give the answer in a redirect's query; None for one that is not this login's, or of another server (RFC 9207)."""
        try:
            values = dict(urllib.parse.parse_qsl(query, keep_blank_values=True, max_num_fields=20))
        except ValueError:
            return None
        if not hmac.compare_digest(values.get("state", "").encode(), self._state.encode()) or values.get("iss") != self._issuer:
            return None
        if values.get("code"):
            return Answer(values["code"], None)
        return Answer(None, values.get("error") or "invalid_request")


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that left is no trouble of the person's, and a trace of it no help in the terminal."""
