"""What every page shares: rendering, the browser's session, form tokens, and errors a person can read.

A form is accepted when it comes from a page of ours: its token belongs to the browser's form cookie, and the browser says that it was sent
from here (Sec-Fetch-Site; Origin where a browser does not send that). What a script of a page sends is taken on the same terms. Before
something that matters (a new key, an approval, another password) the password must have been given within five minutes; a form that comes
later asks for it, on the form itself.
"""

import hmac
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import jinja2
import sqlalchemy as sa
from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from runkey_server import __version__, accounts, tokens
from runkey_server.accounts import Account, BrowserSession
from runkey_server.asgi.actor import Actor
from runkey_server.asgi.failures import STATUS
from runkey_server.asgi.hosts import Hosts, network_of
from runkey_server.asgi.middleware import ACTOR
from runkey_server.asgi.requests import header, read_form
from runkey_server.asgi.responses import send_html, send_redirect
from runkey_server.claiming import Offer
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.retention import Meter
from runkey_server.web import words
from runkey_server.web.assets import Assets
from runkey_wire import limits

Handler = Callable[["Visit"], Awaitable[None]]
Result = TypeVar("Result")

_DEVICE_DAYS = 365
_NOT_OURS = "This form was not sent from its own page, or the page is too old. Load it again."


class Pages:
    """The means by which routes show pages."""

    def __init__(
        self,
        database: Database,
        hosts: Hosts,
        assets: Assets,
        signing_key: bytes,
        pepper: bytes,
        clock: Clock,
        offer: Offer,
        *,
        sign_up: str | None,
        sends_mail: bool,
    ) -> None:
        """Load the templates. sign_up: the setting of that name. sends_mail: whether an SMTP server is set."""
        self.database = database
        self.hosts = hosts
        self.assets = assets
        self.pepper = pepper
        self.clock = clock
        self.offer = offer
        self.sends_mail = sends_mail
        self.signing_key = signing_key
        self.meter = Meter(database, clock)
        self._sign_up = sign_up
        # The __Host- prefix lets no other host of the domain, and no plain http, set these; browsers take it over https alone.
        prefix = "__Host-" if hosts.is_https else ""
        self.cookie_names = {name: f"{prefix}runkey-{name}" for name in ("session", "form", "device")}
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

    def signed(self, purpose: str, value: str) -> str:
        """Sign a value that a browser keeps for us."""
        return tokens.sign(self.signing_key, f"{purpose}\n{value}".encode()).hex()

    def set_cookie(self, name: str, value: str, *, max_age_seconds: int, same_site: str = "Lax") -> tuple[bytes, bytes]:
        """Write a Set-Cookie header. An empty value with no age removes it."""
        secure = "; Secure" if self.hosts.is_https else ""
        text = f"{self.cookie_names[name]}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite={same_site}{secure}"
        return (b"set-cookie", text.encode())

    def sign_up_policy(self, scope: Scope) -> str:
        """Say who may make an account by this request: open, invitation or closed."""
        return self._sign_up or ("open" if self.hosts.is_loopback_only(scope) else "closed")

    def render(self, template: str, values: dict[str, Any]) -> str:
        """Fill a template in."""
        return self._templates.get_template(template).render(version=__version__, workspace=self.assets.entry, **values)


@dataclass(frozen=True)
class _Cookies:
    session: str | None
    form: str | None
    device: str | None


class _Page:
    def __init__(self, pages: Pages, handler: Handler) -> None:
        self._pages = pages
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = Visit(self._pages, scope, receive, send)
        try:
            await visit.recognise()
            await self._handler(visit)
        except NeedsSignIn:
            await visit.go(f"/signin?next={urllib.parse.quote(visit.address, safe='')}")
        except Error as error:
            await visit.show_error(error)


class NeedsSignIn(Exception):
    """A page that only somebody signed in may see."""


class Visit:
    """One request of a browser, and the ways to answer it."""

    def __init__(self, pages: Pages, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold what a handler needs."""
        self.pages = pages
        self.scope = scope
        self._receive = receive
        self._send = send
        self._cookies = _read_cookies(pages, scope)
        self._headers: tuple[tuple[bytes, bytes], ...] = ()
        self.session: BrowserSession | None = None

    async def recognise(self) -> None:
        """Find whose session this browser has."""
        if self._cookies.session:
            self.session = await self.reading(accounts.find_session, self._cookies.session, self.now)
            self.scope.setdefault("state", {})[ACTOR] = self.actor

    @property
    def account(self) -> Account | None:
        """Who is signed in."""
        return self.session.account if self.session else None

    @property
    def owner(self) -> Account:
        """Who is signed in. Raises NeedsSignIn when nobody is."""
        if self.session is None:
            raise NeedsSignIn
        return self.session.account

    @property
    def person(self) -> Account:
        """Who is signed in, with a name. Raises NeedsSignIn, Error `forbidden` for an account without a name."""
        if self.owner.is_anonymous:
            raise Error("forbidden", "An account without a name has none of this. Claim it first, with the link that you were given.")
        return self.owner

    @property
    def is_fresh(self) -> bool:
        """Whether the password was given a moment ago."""
        return self.session is not None and self.session.is_fresh(self.now)

    @property
    def is_guest(self) -> bool:
        """Whether a dashboard's link opened the session: it may look."""
        return self.session is not None and self.session.is_guest

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.pages.clock()

    @property
    def database(self) -> Database:
        """The database."""
        return self.pages.database

    @property
    def path(self) -> dict[str, str]:
        """The variable parts of the address."""
        return dict(self.scope["path_params"])

    @property
    def query(self) -> dict[str, str]:
        """What follows the question mark: name to its last value."""
        return query_of(self.scope)

    @property
    def address(self) -> str:
        """The path and query of this request, to come back to."""
        query = self.scope["query_string"].decode("latin-1")
        return str(self.scope["path"]) + (f"?{query}" if query else "")

    @property
    def client(self) -> str:
        """The address that the request comes from."""
        return self.pages.hosts.client_of(self.scope)

    @property
    def network(self) -> str:
        """The network that the request comes from, for counting and comparing."""
        return network_of(self.client)

    @property
    def is_post(self) -> bool:
        """Whether a form was sent."""
        return bool(self.scope["method"] == "POST")

    @property
    def base_url(self) -> str:
        """Where this browser reaches this server."""
        return self.pages.hosts.base_url_for(self.scope)

    @property
    def sign_up_policy(self) -> str:
        """Who may make an account: open, invitation or closed."""
        return self.pages.sign_up_policy(self.scope)

    @property
    def actor(self) -> Actor | None:
        """Who visits, as the rooms know callers."""
        account = self.account
        return None if account is None else Actor(account.id, account.name, account.email, account.is_admin)

    async def reading(self, act: Callable[..., Result], *words: Any) -> Result:
        """Do something that takes a reading transaction first, in a thread."""
        return await to_thread.run_sync(partial(_within, self.database.reading, act, words))

    async def writing(self, act: Callable[..., Result], *words: Any) -> Result:
        """Do something that takes a writing transaction first, in a thread; committed when this returns."""
        return await to_thread.run_sync(partial(_within, self.database.writing, act, words))

    async def form(self) -> dict[str, str]:
        """Read the form that was sent from a page of ours. Raises Error `forbidden` for one that was not."""
        self._check_site()
        try:
            fields = await read_form(self.scope, self._receive, limits.MAX_FORM_BYTES)
        except Error as error:
            if error.code != "invalid":
                raise
            # What cannot be read as a form has no token either.
            raise Error("forbidden", _NOT_OURS) from None
        self._check_token(fields.pop("form_token", ""))
        return fields

    def check_script(self) -> None:
        """Make sure that a script of a page of ours asks, with the page's token in `X-Form-Token`, for somebody who may do more than look.

        Raises Error `forbidden`, as for a form.
        """
        self._check_site()
        self._check_token(header(self.scope, b"x-form-token") or "")
        self.refuse_guests()

    def refuse_guests(self) -> None:
        """Raise Error `forbidden` for a session that a dashboard's link opened."""
        if self.is_guest:
            raise Error(
                "forbidden", "This page's link is for looking. To make the runs yours: runkey claim, on the machine that logs them."
            )

    def _check_site(self) -> None:
        site = header(self.scope, b"sec-fetch-site")
        is_ours = site == "same-origin" if site else header(self.scope, b"origin") == self.base_url
        if not is_ours:
            raise Error("forbidden", _NOT_OURS)

    def _check_token(self, given: str) -> None:
        expected = self.pages.signed("form", self._cookies.form) if self._cookies.form else ""
        if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
            raise Error("forbidden", _NOT_OURS)

    async def check_password(self, name: str, password: str) -> Account:
        """Find the account of a name and a password, counting tries. Raises as `accounts.sign_in` does."""
        act = partial(accounts.sign_in, self.database, name, password, at=self.now, network=self.network, device=self._device_of(name))
        return await to_thread.run_sync(act)

    async def require_fresh(self, form: dict[str, str]) -> str | None:
        """Make sure that the password was given a moment ago, here or just now; a sentence when it was not, or is wrong."""
        if self.is_fresh:
            return None
        password = form.get("password", "")
        if not password:
            return "Give your password once more: it is some time since you signed in."
        try:
            account = await self.check_password(self.owner.name, password)
        except Error as error:
            if error.code not in ("unauthenticated", "too_many"):
                raise
            return "That is not your password." if error.code == "unauthenticated" else error.message
        await self.renew_session(account)
        return None

    async def show(self, template: str, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = (), **values: Any) -> None:
        """Answer with a page."""
        headers = (*headers, *self._headers)
        form_cookie = self._cookies.form
        if not form_cookie:
            form_cookie = tokens.mint_token()
            headers = (*headers, self.pages.set_cookie("form", form_cookie, max_age_seconds=86400, same_site="Strict"))
        values = {
            "account": self.account,
            "form_token": self.pages.signed("form", form_cookie),
            "now": self.now,
            "is_fresh": self.is_fresh,
            "here": self.scope["path"],
            "problem": None,
            **values,
        }
        await send_html(self._send, self.pages.render(template, values), status, headers)

    async def show_error(self, error: Error) -> None:
        """Answer with an error's sentence."""
        status = STATUS[error.code]
        headers: tuple[tuple[bytes, bytes], ...] = ()
        if error.retry_after_seconds is not None:
            headers = ((b"retry-after", str(error.retry_after_seconds).encode()),)
        if error.code == "unauthenticated" and self.account is None:
            status = 403
        await self.show("message.html", status, headers, message=error.message, shown_status=status)

    async def hand_over(self, application: ASGIApp) -> None:
        """Let another application answer."""
        await application(self.scope, self._receive, self._send)

    async def go(self, path: str) -> None:
        """Send the browser to another page of ours, or to an address that was checked."""
        await send_redirect(self._send, path, self._headers)

    async def begin_session(self, account: Account, path: str, *, stays: bool = False, is_guest: bool = False) -> None:
        """Sign the browser in under a new session, and send it on. is_guest: to look, and do nothing."""
        await self.renew_session(account, stays=stays, is_guest=is_guest)
        await self.go(path)

    async def renew_session(self, account: Account, *, stays: bool | None = None, is_guest: bool = False) -> None:
        """Begin a new session in the place of the browser's old one; its cookies go out with whatever answer follows.

        stays: for 30 days; None as the old one. is_guest: to look, and do nothing.
        """
        if stays is None:
            stays = self.session is not None and (self.session.expires_at - self.session.signed_in_at).days > 1
        token = await self.writing(self._begin, account, stays, is_guest)
        self.session = await self.reading(accounts.find_session, token, self.now)
        # As long as the session itself: an administrator's ends the same day, whatever was asked for.
        age = int((self.session.expires_at - self.now).total_seconds()) if self.session else 0
        self._headers = (self.pages.set_cookie("session", token, max_age_seconds=age),)
        if account.is_anonymous:
            # It has no password that could be tried, and must not take the place of the account that this browser is known to.
            return
        device = f"{account.name}:{tokens.mint_id('dev')}"
        device = f"{device}:{self.pages.signed('device', device)}"
        kept = self.pages.set_cookie("device", device, max_age_seconds=_DEVICE_DAYS * 86400, same_site="Strict")
        self._headers = (*self._headers, kept)

    async def end_session(self, path: str) -> None:
        """Sign the browser out, here and in the database."""
        if self._cookies.session:
            await self.writing(accounts.end_session, self._cookies.session)
        self._headers = (self.pages.set_cookie("session", "", max_age_seconds=0), (b"clear-site-data", b'"cache"'))
        await self.go(path)

    def _begin(self, transaction: sa.Connection, account: Account, stays: bool, is_guest: bool) -> str:
        if self._cookies.session:
            accounts.end_session(transaction, self._cookies.session)
        agent = header(self.scope, b"user-agent") or ""
        told = {"stays": stays, "is_guest": is_guest}
        return accounts.begin_session(transaction, account, self.now, **told, user_agent=agent, address=self.client)

    def _device_of(self, name: str) -> str | None:
        """Name this browser, if it signed in to this account before: strangers' wrong guesses do not make it wait."""
        value, _, signature = (self._cookies.device or "").rpartition(":")
        if not value or not hmac.compare_digest(signature.encode(), self.pages.signed("device", value).encode()):
            return None
        return value if value.partition(":")[0] == name.strip().lower() else None


def query_of(scope: Scope) -> dict[str, str]:
    """Read what follows the question mark: name to its last value; nothing when it cannot be read."""
    try:
        return dict(urllib.parse.parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        return {}


def safe_next(path: str | None) -> str:
    """Give the page to go to after signing in: a path of this server, or the first page.

    Browsers read a backslash as a slash and drop control characters, so a path with either is none.
    """
    path = path or "/"
    if (
        not path.startswith("/")
        or path.startswith("//")
        or "\\" in path
        or not path.isprintable()
        or not path.isascii()
        or len(path) > 2_000
    ):
        return "/"
    return path


def _within(begin: Callable[[], Any], act: Callable[..., Result], words: tuple[Any, ...]) -> Result:
    with begin() as transaction:
        return act(transaction, *words)


def _read_cookies(pages: Pages, scope: Scope) -> _Cookies:
    # Only our own names are looked at: the standard library's reader drops all of them when one that somebody else set is odd.
    pairs = (pair.partition("=")[::2] for pair in (header(scope, b"cookie") or "").split(";"))
    given = {name.strip(): value.strip() for name, value in pairs}
    return _Cookies(**{name: given.get(full) for name, full in pages.cookie_names.items()})
