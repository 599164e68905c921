"""The one place where things meet: opens the database, hands it to the doors, mounts the routes."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from anyio import to_thread
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from runkey_server import clock as clocks
from runkey_server import secret_keys
from runkey_server.accounts import Forgetting
from runkey_server.asgi.hosts import Hosts
from runkey_server.asgi.middleware import REPORTS_PATH, Frame
from runkey_server.asgi.requests import header
from runkey_server.claiming import Caps, Offer, Purger
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import Directory, Signer, Sweeper
from runkey_server.graphql.routes import GraphqlDoor
from runkey_server.history import Folder
from runkey_server.ingest.routes import FileStreamDoor
from runkey_server.ingest.storage import StorageDoor
from runkey_server.keys import Authenticator, Verifier
from runkey_server.mail import Postman, Smtp
from runkey_server.maintenance import EVERY_SECONDS as MAINTAIN_EVERY_SECONDS
from runkey_server.maintenance import Maintenance
from runkey_server.oauth import Waiting
from runkey_server.oauth.routes import OAuthDoor
from runkey_server.oauth.waiting import LOOK_EVERY_SECONDS
from runkey_server.retention import Limits, Quota, Ruler
from runkey_server.retention import Purger as RunPurger
from runkey_server.settings import Settings
from runkey_server.web import claim as claim_pages
from runkey_server.web import device as device_pages
from runkey_server.web import runs as run_pages
from runkey_server.web import settings as settings_pages
from runkey_server.web import sign_in as sign_in_pages
from runkey_server.web import well_known
from runkey_server.web.acts import Acts
from runkey_server.web.artifacts import Artifacts
from runkey_server.web.assets import Assets
from runkey_server.web.details import Details
from runkey_server.web.downloads import Downloads
from runkey_server.web.live import Live
from runkey_server.web.pages import Pages, Visit
from runkey_server.web.reading import Reader
from runkey_server.web.reports import Reports
from runkey_server.web.telemetry import Telemetry
from runkey_server.web.workspace import Workspace
from runkey_wire import device_authorization as wire

_READ_EPOCH_EVERY_SECONDS = 0.2
"""A revoked key is refused everywhere within a second: four readings may fail before memory stops counting."""

_NOTE_USES_EVERY_SECONDS = 5.0
# More threads would only wait: SQLite writes one at a time, and there are few cores.
_THREADS = 16

log = logging.getLogger("runkey_server")


def build(settings: Settings, clock: Clock = clocks.now) -> ASGIApp:
    """Build the application of one worker process. The database must have been migrated."""
    database = Database(settings.sqlalchemy_url, settings.reserve_bytes)
    database.keep_reserve()
    keys = secret_keys.load_or_make(settings.data)
    hosts = Hosts(
        settings.base_url,
        is_public_url_set=settings.public_url is not None,
        trusted_proxies=settings.trusted_proxies,
        listen_host=settings.listen_host,
    )
    verifier = Verifier(database, keys.pepper, clock)
    authenticator = Authenticator(verifier)
    signer = Signer(keys.signing, clock)
    waiting = Waiting(database, clock)
    limits = settings.anonymous_limits
    caps = Caps(limits.runs, limits.megabytes * 1_000_000, limits.days)
    offer = Offer(caps, hosts, allowed=settings.allow_anonymous)
    pages = Pages(
        database,
        hosts,
        Assets(),
        keys.signing,
        keys.pepper,
        clock,
        offer,
        sign_up=settings.sign_up,
        sends_mail=settings.smtp_url is not None,
    )
    oauth = OAuthDoor(database, keys.pepper, hosts, waiting, clock, offers_anonymous=offer.is_open)
    directory = Directory(settings.data / "files")
    smtp = Smtp(settings.smtp_url, settings.mail_from, settings.smtp_password) if settings.smtp_url and settings.mail_from else None
    postman = Postman(database, smtp, settings.base_url, keys.signing, clock)
    folder = Folder(database, clock)

    def fold() -> None:
        # A fold needs room before it gives some back.
        database.check_room()
        folder.fold_due()

    acts = [
        database.keep_reserve,
        fold,
        postman.deliver_due,
        Purger(database, directory, clock).purge_due,
        Ruler(database, clock).apply_due,
        RunPurger(database, directory, clock).purge_due,
        Sweeper(database, directory).sweep_due,
        Forgetting(database, clock).forget_due,
    ]
    maintenance = Maintenance(settings.data, acts)
    live = Live(pages)
    quota = Quota(database, Limits(settings.max_file_bytes, settings.max_project_bytes, settings.max_account_bytes), clock)
    storage = StorageDoor(database, directory, signer, authenticator, offer, quota, clock)
    router = Router(
        routes=[
            _route("/graphql", GraphqlDoor(database, authenticator, signer, directory, keys.pepper, hosts, offer, quota, clock), "POST"),
            _route("/files/{entity}/{project}/{run}/file_stream", FileStreamDoor(database, authenticator, offer, clock), "POST"),
            _route("/storage/{token}", storage, "GET", "PUT", "OPTIONS"),
            _route("/healthz", _app(well_known.healthz), "GET"),
            _route("/readyz", well_known.Ready(database), "GET"),
            _route("/ready", well_known.Ready(database), "GET"),
            _route("/.well-known/runkey", well_known.Identity(keys.identity, hosts), "GET"),
            _route(REPORTS_PATH, Reports(hosts), "POST"),
            _route("/sdk/otel/v1/{signal}", Telemetry(hosts), "POST"),
            _route(wire.DEVICE_AUTHORIZATION_PATH, _app(oauth.device_authorization), "POST"),
            _route(wire.TOKEN_PATH, _app(oauth.token), "POST"),
            _route(wire.REVOKE_PATH, _app(oauth.revoke), "POST"),
            _route(wire.METADATA_PATH, _app(oauth.metadata), "GET"),
            *_readings(
                pages, Reader(pages, authenticator), live, Details(pages, directory, signer, quota), Artifacts(pages, signer), quota
            ),
            *_pages(pages),
        ],
        default=_nothing_here(pages),
        # A slash more is another address. To be sent on would write http where a proxy serves https, and send a password twice.
        redirect_slashes=False,
        lifespan=lambda _: _keep_house(verifier, waiting, live, database, maintenance),
    )
    return Frame(router, hosts)


def _readings(pages: Pages, reader: Reader, live: Live, details: Details, artifacts: Artifacts, quota: Quota) -> list[Route]:
    downloads, workspace, acts = Downloads(pages), Workspace(pages), Acts(pages, quota)
    project, run = "/{entity}/{project}", "/{entity}/{project}/runs/{run}"
    version = "/{entity}/{project}/collections/{collection}/{version}"
    return [
        _route(f"{project}/export", _app(reader.route(downloads.export)), "GET"),
        _route(f"{run}/export", _app(reader.route(downloads.export)), "GET"),
        _route(f"{run}/output.log", _app(reader.route(downloads.output)), "GET"),
        _route(f"{run}/console", _app(reader.route(downloads.console)), "GET"),
        _route(f"{run}/about", _app(reader.route(details.about)), "GET"),
        _route(f"{run}/files", _app(reader.route(details.list_files)), "GET"),
        _route(f"{run}/files/{{name:path}}", _app(reader.route(details.file)), "GET"),
        _route(f"{run}/shown/{{name:path}}", _app(reader.route(details.shown)), "GET"),
        _route(f"{run}/media", _app(reader.route(details.media)), "GET"),
        _route(f"{run}/artifacts", _app(reader.route(artifacts.of_run)), "GET"),
        _route("/artifacts/{entity}/{digest}", _app(reader.route(artifacts.by_digest)), "GET"),
        _route("/artifactsV2/{region}/{entity}/{digest:path}", _app(reader.route(artifacts.by_digest)), "GET"),
        _route(f"{run}/held/{{client_id}}/{{name:path}}", _app(reader.route(artifacts.held)), "GET"),
        _route(f"{project}/collections", _app(reader.route(artifacts.collections)), "GET"),
        _route(f"{project}/collections/{{collection}}", _app(reader.route(artifacts.versions)), "GET"),
        _route(f"{version}/about", _app(reader.route(artifacts.about)), "GET"),
        _route(f"{version}/files", _app(reader.route(artifacts.list_files)), "GET"),
        _route(f"{version}/file", _app(reader.route(artifacts.file)), "GET"),
        _route(f"{version}/lineage", _app(reader.route(artifacts.lineage)), "GET"),
        _route(f"{version}/freed", _app(reader.route(artifacts.freed)), "GET"),
        _route(f"{version}/acts", _app(reader.route(artifacts.act, changes=True)), "POST"),
        _route(f"{project}/runs", _app(reader.route(workspace.runs)), "GET"),
        _route(f"{project}/keys", _app(reader.route(workspace.keys)), "GET"),
        _route(f"{project}/charts", _app(reader.route(workspace.charts)), "POST"),
        _route(f"{project}/layout", _app(reader.route(workspace.layout, changes=True)), "POST"),
        _route(f"{project}/live", _app(reader.route(live.follow)), "GET"),
        _route(f"{project}/usage", _app(reader.route(acts.usage)), "GET"),
        _route(f"{project}/deleted", _app(reader.route(acts.deleted)), "GET"),
        _route(f"{project}/runs/acts", _app(reader.route(acts.on_runs, changes=True)), "POST"),
        _route(f"{project}/acts", _app(reader.route(acts.on_project, changes=True)), "POST"),
        _route(f"{project}/retention", _app(reader.route(acts.retention, changes=True)), "GET", "POST"),
    ]


def _pages(pages: Pages) -> list[Route]:
    return [
        _route("/static/{name:path}", pages.assets, "GET"),
        _route("/signin", pages.route(sign_in_pages.sign_in), "GET", "POST"),
        _route("/signout", pages.route(sign_in_pages.sign_out), "POST"),
        _route("/setup", pages.route(sign_in_pages.setup), "GET", "POST"),
        _route("/welcome", pages.route(sign_in_pages.welcome), "GET", "POST"),
        _route("/signup", pages.route(sign_in_pages.sign_up), "GET", "POST"),
        _route("/device", pages.route(device_pages.device), "GET", "POST"),
        _route("/device/done", pages.route(device_pages.done), "GET"),
        _route(wire.AUTHORIZE_PATH, pages.route(device_pages.authorize_program), "GET", "POST"),
        _route("/authorize", pages.route(device_pages.authorize), "GET", "POST"),
        _route("/try", pages.route(claim_pages.try_it), "GET", "POST"),
        _route("/claim", pages.route(claim_pages.claim), "GET", "POST"),
        _route("/claim/begin", pages.route(claim_pages.begin_claim), "POST"),
        _route("/notices", pages.route(settings_pages.put_notices_away), "POST"),
        _route("/settings", pages.route(_to_machines), "GET"),
        _route("/settings/keys", pages.route(settings_pages.key_page), "GET", "POST"),
        _route("/settings/machines", pages.route(settings_pages.machine_page), "GET", "POST"),
        _route("/settings/sessions", pages.route(settings_pages.session_page), "GET", "POST"),
        _route("/settings/account", pages.route(settings_pages.account_page), "GET", "POST"),
        _route("/settings/people", pages.route(settings_pages.people_page), "GET", "POST"),
        _route("/", pages.route(run_pages.home), "GET"),
        _route("/{entity}", pages.route(run_pages.entity), "GET"),
        _route("/{entity}/{project}", pages.route(run_pages.project), "GET"),
        _route("/{entity}/{project}/restore", pages.route(run_pages.restore), "POST"),
        _route("/{entity}/{project}/runs/{run}", pages.route(run_pages.run), "GET"),
        _route("/{entity}/{project}/artifacts", pages.route(run_pages.collections), "GET"),
        _route("/{entity}/{project}/artifacts/{collection}/{version}", pages.route(run_pages.version), "GET"),
    ]


@contextlib.contextmanager
def _at_the_signal_to_end(act: Callable[[], None]) -> Iterator[None]:
    """Do something as soon as this worker is told to end.

    The server below waits for requests under way before it ends the lifespan, so held ones would be waited for until it kills the worker.
    Its own handler is the event loop's, which hears of the signal by another way and stays.
    """
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            earlier = signal.getsignal(number)
            if callable(earlier):
                before[number] = earlier

                def handle(signum: int, frame: Any, earlier: Any = earlier) -> None:
                    loop.call_soon_threadsafe(act)
                    earlier(signum, frame)

                signal.signal(number, handle)
                signal.siginterrupt(number, False)
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


async def _to_machines(visit: Visit) -> None:
    await visit.go("/settings/machines")


def _route(path: str, app: Any, *methods: str) -> Route:
    return Route(path, endpoint=app, methods=list(methods))


class _app:  # noqa: N801 - a wrapper, so that Starlette takes a function for an ASGI application
    def __init__(self, function: ASGIApp) -> None:
        self._function = function

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._function(scope, receive, send)


def _nothing_here(pages: Pages) -> ASGIApp:
    async def page(visit: Any) -> None:
        raise Error("not_found", "There is nothing at this address.")

    shown = pages.route(page)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "text/html" in (header(scope, b"accept") or ""):
            await shown(scope, receive, send)
            return
        raise Error("not_found", "There is nothing at this address.")

    return answer


@contextlib.asynccontextmanager
async def _keep_house(
    verifier: Verifier, waiting: Waiting, live: Live, database: Database, maintenance: Maintenance
) -> AsyncIterator[None]:
    """Run what each worker does beside answering: follow the credential epoch, note when keys were used."""
    to_thread.current_default_thread_limiter().total_tokens = _THREADS
    tasks = [
        asyncio.create_task(_repeat_async(waiting.look, LOOK_EVERY_SECONDS)),
        asyncio.create_task(_repeat(verifier.keep_current, _READ_EPOCH_EVERY_SECONDS)),
        asyncio.create_task(_repeat(verifier.note_uses, _NOTE_USES_EVERY_SECONDS)),
        asyncio.create_task(_repeat(maintenance.take_turn, MAINTAIN_EVERY_SECONDS)),
    ]

    def let_go() -> None:
        waiting.end()
        live.end()

    try:
        with _at_the_signal_to_end(let_go):
            yield
    finally:
        let_go()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Error):
            await to_thread.run_sync(verifier.note_uses)
        maintenance.end()
        database.close()


async def _repeat_async(act: Any, every_seconds: float) -> None:
    while True:
        try:
            await act()
        except Exception as fault:
            # One fault must not end it: nobody would be told of a decision any more.
            log.error("%s failed: %s", getattr(act, "__name__", "a task"), type(fault).__name__)
        await asyncio.sleep(every_seconds)


async def _repeat(act: Any, every_seconds: float) -> None:
    while True:
        try:
            await to_thread.run_sync(act)
        except Error:
            # The database does not answer; requests say so themselves, and the next turn tries again.
            pass
        except Exception as fault:
            log.error("%s failed: %s", getattr(act, "__name__", "a task"), type(fault).__name__)
        await asyncio.sleep(every_seconds)
