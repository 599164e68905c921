"""`runkey export ENTITY/PROJECT[/RUN]`: a run's or a project's history, its events, or its runs, as a CSV or Parquet file.

The file appears under its name when it is whole, never before; nothing is overwritten without --force.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

from runkey_wire import exports


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey export mira/digits/8f3kd2a1 --format parquet"
    parser.add_argument("path", metavar="ENTITY/PROJECT[/RUN]", help="what to fetch: one run, or a project with all its runs")
    parser.add_argument(
        "--kind", choices=exports.KINDS, default=exports.HISTORY, help="rows of history, rows of system figures, or the runs"
    )
    parser.add_argument("--format", choices=exports.FORMATS, help="default: what the name of the file says, or csv")
    parser.add_argument("--output", metavar="FILE", help="default: a name in this folder; - for standard output")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")
    parser.add_argument("--host", metavar="URL", help="the server")
    parser.add_argument("--profile", metavar="NAME", help="the profile")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Fetch a file. Raises UsageError for what cannot be meant, NotLoggedIn, and as `api.export` does."""
    from runkey import api
    from runkey.cli.status import answer, proved_login
    from runkey.errors import UsageError

    entity, project, name = _parts(arguments.path)
    if name is not None and arguments.kind == exports.RUNS:
        raise UsageError("--kind runs is of a project: runkey export ENTITY/PROJECT --kind runs")
    if arguments.output == "-" and arguments.json:
        raise UsageError("--json and --output - both want standard output. Name a file.")
    file_format = arguments.format or _format_of(arguments.output)
    target = arguments.output or exports.file_name(project, name, arguments.kind, file_format)
    if target == "-" and file_format == exports.PARQUET and sys.stdout.isatty():
        raise UsageError("Parquet is nothing to look at: name a file, or send it on by a pipe.")
    _check(target, arguments.force)
    steps = proved_login(arguments)
    size = 0
    try:
        with (
            api.export(steps.credential, entity, project, name, kind=arguments.kind, file_format=file_format) as pieces,
            _opened(target, force=arguments.force) as file,
        ):
            for piece in pieces:
                file.write(piece)
                size += len(piece)
                steps.terminal.progress(f"{size / 1e6:.1f} MB")
    finally:
        steps.terminal.progress("")
    if arguments.json:
        answer({"ok": True, "file": os.path.abspath(target), "kind": arguments.kind, "format": file_format, "bytes": size})
    elif target != "-":
        steps.terminal.say(f"Wrote {target}: {size:,} bytes.")
    return 0


def _parts(path: str) -> tuple[str, str, str | None]:
    """Take a path apart; `ENTITY/PROJECT/runs/RUN`, as in a page's address, is the same as without `runs`."""
    from runkey.errors import UsageError

    parts = path.strip("/").split("/")
    if len(parts) == 4 and parts[2] == "runs":
        del parts[2]
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError(f"{path!r} is neither ENTITY/PROJECT nor ENTITY/PROJECT/RUN.")
    return parts[0], parts[1], parts[2] if len(parts) == 3 else None


def _format_of(output: str | None) -> str:
    ending = (output or "").rpartition(".")[2].lower()
    return ending if ending in exports.FORMATS else exports.CSV


def _check(target: str, force: bool) -> None:
    """Refuse early what would fail after everything had come."""
    from runkey.errors import UsageError

    if target == "-" or not os.path.lexists(target):
        return
    if not os.path.isfile(target):
        raise UsageError(f"{target} is no ordinary file.")
    if not force:
        raise UsageError(f"{target} is there already. Overwrite it with --force, or give another name with --output.")


@contextlib.contextmanager
def _opened(target: str, *, force: bool) -> Iterator[IO[bytes]]:
    """Open a file that gets its name when the block ends well, and is gone when it does not."""
    from runkey.errors import UsageError

    if target == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    folder, name = os.path.split(target)
    unfinished = os.path.join(folder, f".{name}.{os.getpid()}.part")
    try:
        file: Any = open(unfinished, "xb")  # noqa: SIM115 - closed by the block below
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.") from None
    try:
        with file:
            yield file
        _name(unfinished, target, force)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)


def _name(unfinished: str, target: str, force: bool) -> None:
    if force:
        os.replace(unfinished, target)
        return
    try:
        # Unlike a rename, a link never takes the place of what somebody else put there meanwhile.
        os.link(unfinished, target)
    except FileExistsError:
        _check(target, force)
        raise
    except OSError:
        # A file system without links.
        _check(target, force)
        os.rename(unfinished, target)
