"""What every page shares: rendering, the browser's session, form tokens, and errors a person can read.

A form is accepted when it comes from a page of ours: its token belongs to the browser's form cookie, and the browser says that it was sent
from here (Sec-Fetch-Site; Origin where a browser does not send that).
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

import jinja2
from anyio import to_thread
from starlette.types import Receive, Scope, Send

from runkey_server import __version__, accounts, tokens
from runkey_server.accounts import Account
from runkey_server.asgi.actor import Actor
from runkey_server.asgi.failures import STATUS
from runkey_server.asgi.hosts import Hosts
from runkey_server.asgi.middleware import ACTOR
from runkey_server.asgi.requests import header, read_form
from runkey_server.asgi.responses import send_html, send_redirect
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.web import words
from runkey_wire import limits

Handler = Callable[["Visit"], Awaitable[None]]


class Pages:
    """The means by which routes show pages."""

    def __init__(self, database: Database, hosts: Hosts, signing_key: bytes, clock: Clock) -> None:
        """Load the templates."""
        self.database = database
        self.hosts = hosts
        self.clock = clock
        self._signing_key = signing_key
        # The __Host- prefix lets no other host of the domain, and no plain http, set these; browsers take it over https alone.
        prefix = "__Host-" if hosts.is_https else ""
        self._session_cookie = f"{prefix}runkey-session"
        self._form_cookie = f"{prefix}runkey-form"
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(words.FILTERS)

    def route(self, handler: Handler) -> Any:
        """Make an ASGI application of a page's handler; an Error becomes a page with its sentence."""
        return _Page(self, handler)

    def cookies_of(self, scope: Scope) -> "_Cookies":
        """Read the two cookies of ours."""
        try:
            jar = SimpleCookie(header(scope, b"cookie") or "")
        except CookieError:
            jar = SimpleCookie()
        values = [jar[name].value if name in jar else None for name in (self._session_cookie, self._form_cookie)]
        return _Cookies(*values)

    def find_account(self, session_token: str) -> Account | None:
        """Find whose session this is."""
        with self.database.reading() as transaction:
            return accounts.find_session(transaction, session_token, self.clock())

    def form_token(self, form_cookie: str) -> str:
        """Give the token that forms of a browser with this cookie carry."""
        return tokens.sign(self._signing_key, b"form\n" + form_cookie.encode()).hex()

    def cookie(self, name: str, value: str, *, max_age_seconds: int, same_site: str) -> tuple[bytes, bytes]:
        """Write a Set-Cookie header. An empty value with no age removes it."""
        secure = "; Secure" if self.hosts.is_https else ""
        text = f"{name}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite={same_site}{secure}"
        return (b"set-cookie", text.encode())

    def session_cookie(self, token: str, *, is_ended: bool = False) -> tuple[bytes, bytes]:
        """Write the header that begins or ends a browser's session."""
        age = 0 if is_ended else accounts.SESSION_DAYS * 86400
        return self.cookie(self._session_cookie, token, max_age_seconds=age, same_site="Lax")

    def new_form_cookie(self, value: str) -> tuple[bytes, bytes]:
        """Write the header that gives a browser its form cookie."""
        return self.cookie(self._form_cookie, value, max_age_seconds=86400, same_site="Strict")

    def render(self, template: str, values: dict[str, Any]) -> str:
        """Fill a template in."""
        return self._templates.get_template(template).render(version=__version__, **values)


@dataclass(frozen=True)
class _Cookies:
    session: str | None
    form: str | None


class _Page:
    def __init__(self, pages: Pages, handler: Handler) -> None:
        self._pages = pages
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cookies = self._pages.cookies_of(scope)
        account = None
        visit = Visit(self._pages, scope, receive, send, cookies, None)
        try:
            if cookies.session:
                account = await to_thread.run_sync(self._pages.find_account, cookies.session)
                visit.account = account
                scope.setdefault("state", {})[ACTOR] = visit.actor
            await self._handler(visit)
        except Error as error:
            await visit.show_error(error)


class Visit:
    """One request of a browser, and the ways to answer it."""

    def __init__(self, pages: Pages, scope: Scope, receive: Receive, send: Send, cookies: _Cookies, account: Account | None) -> None:
        """Hold what a handler needs."""
        self._pages = pages
        self._scope = scope
        self._receive = receive
        self._send = send
        self._cookies = cookies
        self.account = account

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self._pages.clock()

    @property
    def database(self) -> Database:
        """The database."""
        return self._pages.database

    @property
    def path(self) -> dict[str, str]:
        """The variable parts of the address."""
        return dict(self._scope["path_params"])

    @property
    def is_post(self) -> bool:
        """Whether a form was sent."""
        return bool(self._scope["method"] == "POST")

    @property
    def session_token(self) -> str | None:
        """The browser's session, if it presented one."""
        return self._cookies.session

    @property
    def base_url(self) -> str:
        """Where this browser reaches this server."""
        return self._pages.hosts.base_url_for(self._scope)

    @property
    def actor(self) -> Actor | None:
        """Who visits, as the rooms know callers."""
        if self.account is None:
            return None
        return Actor(self.account.id, self.account.name, self.account.email, self.account.is_admin)

    async def form(self) -> dict[str, str]:
        """Read the form that was sent from a page of ours. Raises Error `forbidden` for one that was not."""
        site = header(self._scope, b"sec-fetch-site")
        is_ours = site == "same-origin" if site else header(self._scope, b"origin") == self.base_url
        fields = await read_form(self._scope, self._receive, limits.MAX_FORM_BYTES)
        expected = self._pages.form_token(self._cookies.form) if self._cookies.form else ""
        given = fields.pop("form_token", "")
        if not is_ours or not expected or not hmac.compare_digest(given.encode(), expected.encode()):
            raise Error("forbidden", "This form was not sent from its own page, or the page is too old. Load it again.")
        return fields

    async def show(self, template: str, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = (), **values: Any) -> None:
        """Answer with a page."""
        form_cookie = self._cookies.form
        if not form_cookie:
            form_cookie = tokens.mint_token()
            headers = (*headers, self._pages.new_form_cookie(form_cookie))
        values |= {"account": self.account, "form_token": self._pages.form_token(form_cookie), "now": self.now}
        await send_html(self._send, self._pages.render(template, values), status, headers)

    async def show_error(self, error: Error) -> None:
        """Answer with an error's sentence."""
        status = STATUS[error.code]
        headers: tuple[tuple[bytes, bytes], ...] = ()
        if error.retry_after_seconds is not None:
            headers = ((b"retry-after", str(error.retry_after_seconds).encode()),)
        if error.code == "unauthenticated" and self.account is None:
            status = 403
        await self.show("message.html", status, headers, message=error.message, shown_status=status)

    async def go(self, path: str) -> None:
        """Send the browser to another page of ours."""
        await send_redirect(self._send, path)

    async def begin_session(self, account: Account, path: str) -> None:
        """Sign the browser in under a new session, and send it on."""
        token = await to_thread.run_sync(self._begin, account)
        await send_redirect(self._send, path, (self._pages.session_cookie(token),))

    async def end_session(self, path: str) -> None:
        """Sign the browser out, here and in the database."""
        await to_thread.run_sync(self._end)
        headers = (self._pages.session_cookie("", is_ended=True), (b"clear-site-data", b'"cache"'))
        await send_redirect(self._send, path, headers)

    def _begin(self, account: Account) -> str:
        with self.database.writing() as transaction:
            if self._cookies.session:
                accounts.end_session(transaction, self._cookies.session)
            return accounts.begin_session(transaction, account, self.now)

    def _end(self) -> None:
        if self._cookies.session:
            with self.database.writing() as transaction:
                accounts.end_session(transaction, self._cookies.session)
