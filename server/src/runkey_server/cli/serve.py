"""`runkey-server serve`: describes the command and reads its settings; `serving.py` does it."""

import argparse
from pathlib import Path

from runkey_server import settings as settings_module
from runkey_server.cli import serving
from runkey_server.cli.opening import add_data_argument, prepare_folder
from runkey_server.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey-server serve --public-url https://track.example.org --trusted-proxy 127.0.0.1"
    add_data_argument(parser)
    parser.add_argument(
        "--listen",
        default=settings_module.DEFAULT_LISTEN,
        metavar="HOST:PORT",
        help=f"where to listen (default: {settings_module.DEFAULT_LISTEN}; port 0 takes a free one)",
    )
    parser.add_argument("--public-url", metavar="URL", help="where people and machines reach this server")
    parser.add_argument("--trusted-proxy", action="append", default=[], metavar="ADDRESS", help="a proxy whose X-Forwarded-For is believed")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain, to serve https without a proxy")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key")
    parser.add_argument(
        "--sign-up",
        choices=("open", "invitation", "closed"),
        help="who may make an account (default: open while nobody but this computer can reach the server, else closed)",
    )
    parser.add_argument(
        "--allow-anonymous",
        action=argparse.BooleanOptionalAction,
        help="let anybody log without an account, within limits, and claim it later (default: on this computer alone)",
    )
    limits = settings_module.AnonymousLimits()
    parser.add_argument(
        "--anonymous-limits",
        type=settings_module.parse_limits,
        metavar="RUNS,MB,DAYS",
        default=limits,
        help=f"what such an account may keep, and for how long (default: {limits.runs},{limits.megabytes},{limits.days})",
    )
    for name, what in (
        ("--max-file", "the largest file that a run may save, for example 500MB (default: 5GB)"),
        ("--max-project-files", "what the files of a project may take together, for example 20GB (default: what the disk has)"),
        ("--max-account-files", "what the files of all projects of an account may take together (default: what the disk has)"),
    ):
        parser.add_argument(name, type=settings_module.parse_size, metavar="SIZE", help=what)
    parser.add_argument("--smtp", metavar="URL", help="where mail is handed over: smtp://[USER@]HOST:PORT, or smtps://…")
    parser.add_argument("--smtp-password-file", type=Path, metavar="FILE", help="a file that holds that user's password")
    parser.add_argument("--mail-from", metavar="ADDRESS", help="the sender of that mail")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="worker processes (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal."""
    host, port = settings_module.parse_listen(arguments.listen)
    settings = Settings(
        data=arguments.data.absolute(),
        listen_host=host,
        listen_port=port,
        public_url=settings_module.parse_public_url(arguments.public_url) if arguments.public_url else None,
        trusted_proxies=tuple(settings_module.parse_proxy(proxy) for proxy in arguments.trusted_proxy),
        tls_cert=arguments.tls_cert,
        tls_key=arguments.tls_key,
        workers=arguments.workers,
        sign_up=arguments.sign_up,
        allow_anonymous=arguments.allow_anonymous,
        anonymous_limits=arguments.anonymous_limits,
        max_file_bytes=arguments.max_file,
        max_project_bytes=arguments.max_project_files,
        max_account_bytes=arguments.max_account_files,
        smtp_url=settings_module.parse_smtp(arguments.smtp) if arguments.smtp else None,
        smtp_password=settings_module.read_smtp_password(arguments.smtp_password_file) if arguments.smtp_password_file else None,
        mail_from=arguments.mail_from,
    )
    settings_module.check(settings)
    prepare_folder(settings.data)
    return serving.serve(settings)
