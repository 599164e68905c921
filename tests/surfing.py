"""Somebody at a browser, without the browser: cookies, forms and what a browser says of where they come from. Quick, for many stories."""

import http.client
import re
import urllib.parse
from html import unescape

from outside import Server

PASSWORD = "four quiet otters at noon"


class Page:
    """What was answered."""

    def __init__(self, status: int, headers: "http.client.HTTPMessage", body: str) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def location(self) -> str:
        return self.headers.get("Location") or ""

    @property
    def text(self) -> str:
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.body.partition("</head>")[2])).split())

    @property
    def token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.body)
        assert found, self.body
        return found.group(1)

    @property
    def problem(self) -> str:
        found = re.search(r'role="alert">(.*?)</p>', self.body, re.DOTALL)
        return unescape(found.group(1)) if found else ""


class Surfer:
    """One person and the cookies of their browser."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Page:
        return self._ask("GET", path, None, {})

    def post(self, path: str, /, *, at: str | None = None, headers: "dict[str, str] | None" = None, **fields: str) -> Page:
        """Fill in the form of a page (`at`, else the path itself) and send it to the path."""
        token = fields.pop("form_token", None) or self.get(at or path).token
        given = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"} | (headers or {})
        return self._ask("POST", path, urllib.parse.urlencode({"form_token": token, **fields}), given)

    def sign_up(self, name: str) -> "Surfer":
        page = self.post("/signup", name=name, password=PASSWORD)
        assert page.status == 303, page.text
        return self

    def sign_in(self, name: str) -> "Surfer":
        page = self.post("/signin", name=name, password=PASSWORD)
        assert page.status == 303, page.text
        return self

    def approve(self, user_code: str, decision: str = "approve") -> Page:
        """Look a code up and decide about the machine that waits under it."""
        address = f"/device?user_code={user_code}"
        return self.post("/device", at=address, user_code=user_code, decision=decision)

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Page:
        place = urllib.parse.urlsplit(self.server.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        if self.cookies:
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        try:
            connection.request(method, path, body, {"Accept": "text/html", **headers})
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                assert re.search("; Path=/; Max-Age=[0-9]+; HttpOnly; SameSite=(Lax|Strict)$", cookie), cookie.partition("=")[0]
                name, _, rest = cookie.partition("=")
                value = rest.partition(";")[0]
                if value:
                    self.cookies[name] = value
                else:
                    self.cookies.pop(name, None)
            return Page(answer.status, answer.headers, answer.read().decode(errors="replace"))
        finally:
            connection.close()
