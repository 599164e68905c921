"""The rows of runs and of what they print: functions that take an open transaction."""

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.accounts import ANONYMOUS_PREFIX
from runkey_server.accounts.tables import accounts
from runkey_server.database import insert_for
from runkey_server.database.comparing import comparables
from runkey_server.projects.tables import project_aliases, projects
from runkey_server.runs.model import Run
from runkey_server.runs.ordering import Ordering
from runkey_server.runs.tables import console_lines, run_values, run_writers, runs
from runkey_wire import names

_SELECT = (
    sa.select(
        *(column for column in runs.c if column is not runs.c.deleted_at),
        # The runs of a deleted project are deleted with it.
        sa.func.coalesce(runs.c.deleted_at, projects.c.deleted_at).label("deleted_at"),
        projects.c.account_id,
        accounts.c.name.label("entity"),
        projects.c.name.label("project"),
    )
    .join_from(runs, projects)
    .join(accounts)
    .where(accounts.c.deleted_at.is_(None))
)
_BY_NAME = _SELECT.where(
    accounts.c.name == sa.bindparam("entity"),
    projects.c.name == sa.bindparam("project"),
    runs.c.name == sa.bindparam("run"),
)
_BY_ALIAS = _SELECT.join(project_aliases, project_aliases.c.project_id == projects.c.id).where(
    project_aliases.c.entity == sa.bindparam("entity"),
    project_aliases.c.name == sa.bindparam("project"),
    runs.c.name == sa.bindparam("run"),
)


def find_run(transaction: sa.Connection, entity: str, project: str, name: str) -> Run | None:
    """Find by entity, project and name, deleted ones included; also by the entity and project in which it was claimed."""
    place = {"entity": entity, "project": project, "run": name}
    row = transaction.execute(_BY_NAME, place).first()
    if row is None and entity.startswith(ANONYMOUS_PREFIX):
        row = transaction.execute(_BY_ALIAS, place).first()
    return None if row is None else _run(row)


def find_run_by_id(transaction: sa.Connection, run_id: int) -> Run | None:
    """Find by id, deleted ones included."""
    row = transaction.execute(_SELECT.where(runs.c.id == run_id)).first()
    return None if row is None else _run(row)


def name_runs(transaction: sa.Connection) -> dict[int, str]:
    """Name every run there is, deleted ones included, for people: entity/project/run by its number."""
    statement = sa.select(runs.c.id, accounts.c.name, projects.c.name, runs.c.name).join_from(runs, projects).join(accounts)
    return {row[0]: f"{row[1]}/{row[2]}/{row[3]}" for row in transaction.execute(statement)}


def insert_run(transaction: sa.Connection, values: Mapping[str, Any]) -> int | None:
    """Add a row; its id, or None when the name is taken in the project."""
    row = transaction.execute(insert_for(transaction, runs).values(**values).on_conflict_do_nothing().returning(runs.c.id)).first()
    if row is None:
        return None
    transaction.execute(sa.insert(run_values).values(run_id=row.id, **_compared(values)))
    return int(row.id)


def update_run(transaction: sa.Connection, run_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a row."""
    if values:
        transaction.execute(sa.update(runs).where(runs.c.id == run_id).values(**values))
    compared = _compared(values)
    if compared:
        transaction.execute(sa.update(run_values).where(run_values.c.run_id == run_id).values(**compared))


def _compared(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: comparables(values[name], config=name == "config") for name in ("config", "summary") if name in values}


def mark_deleted(transaction: sa.Connection, project_id: int, names: Sequence[str], at: datetime) -> list[str]:
    """Note when runs of a project were deleted; give the names of those that were not before."""
    where = (runs.c.project_id == project_id, _is_named(names), runs.c.deleted_at.is_(None))
    return list(transaction.execute(sa.update(runs).where(*where).values(deleted_at=at).returning(runs.c.name)).scalars())


def unmark_deleted(transaction: sa.Connection, project_id: int, names: Sequence[str], since: datetime, at: datetime) -> list[str]:
    """Forget that runs of a project were deleted, of those that were so after a moment; give their names."""
    where = (runs.c.project_id == project_id, _is_named(names), runs.c.deleted_at > since)
    restored = sa.update(runs).where(*where).values(deleted_at=None, restored_at=at).returning(runs.c.name)
    return list(transaction.execute(restored).scalars())


def list_taken(transaction: sa.Connection, project_id: int, names: Sequence[str]) -> list[str]:
    """Give those of some names that runs of a project have, deleted ones included."""
    return list(transaction.execute(sa.select(runs.c.name).where(runs.c.project_id == project_id, _is_named(names))).scalars())


def move_runs(transaction: sa.Connection, run_ids: Sequence[int], project_id: int, at: datetime) -> None:
    """Put runs into a project; rules let them be from then on."""
    for run_id in run_ids:
        transaction.execute(sa.update(runs).where(runs.c.id == run_id).values(project_id=project_id, restored_at=at))


def request_stop(transaction: sa.Connection, project_id: int, names: Sequence[str], running: Sequence[str]) -> list[str]:
    """Note that runs are to stop; give the names of those that are in one of these states and were not asked before."""
    t = runs
    there = (t.c.project_id == project_id, _is_named(names), t.c.deleted_at.is_(None))
    where = (*there, t.c.reported_state.in_(running), t.c.stop_requested.is_(sa.false()))
    return list(transaction.execute(sa.update(t).where(*where).values(stop_requested=True).returning(t.c.name)).scalars())


def list_deleted(transaction: sa.Connection, project_id: int, since: datetime, at_most: int) -> list[Run]:
    """Give the runs of a project that were deleted after a moment, the last first."""
    statement = _SELECT.where(runs.c.project_id == project_id, runs.c.deleted_at > since)
    return [_run(row) for row in transaction.execute(statement.order_by(runs.c.deleted_at.desc(), runs.c.id.desc()).limit(at_most))]


def list_deleted_before(transaction: sa.Connection, moment: datetime, at_most: int) -> list[int]:
    """Give the ids of runs that were deleted by a moment, whoever owns them."""
    statement = sa.select(runs.c.id).where(runs.c.deleted_at <= moment).order_by(runs.c.deleted_at).limit(at_most)
    return list(transaction.execute(statement).scalars())


def list_tags(transaction: sa.Connection, project_id: int, names: Sequence[str]) -> list[tuple[int, str, list[str]]]:
    """Give ids, names and tags of runs of a project that are not deleted; nobody else changes them until this transaction ends."""
    where = (runs.c.project_id == project_id, _is_named(names), runs.c.deleted_at.is_(None))
    found = transaction.execute(sa.select(runs.c.id, runs.c.name, runs.c.tags).where(*where).order_by(runs.c.id).with_for_update())
    return [(row.id, row.name, row.tags) for row in found]


def list_runs_by_name(transaction: sa.Connection, project_id: int, names: Sequence[str]) -> list[Run]:
    """Give runs of a project that are not deleted by their names, the newest first."""
    statement = _SELECT.where(runs.c.project_id == project_id, _is_named(names), runs.c.deleted_at.is_(None))
    return [_run(row) for row in transaction.execute(statement.order_by(runs.c.id.desc()))]


def list_run_ids_in(transaction: sa.Connection, project_id: int, at_most: int) -> list[int]:
    """Give ids of runs of a project, deleted ones included."""
    return list(transaction.execute(sa.select(runs.c.id).where(runs.c.project_id == project_id).limit(at_most)).scalars())


def list_older(transaction: sa.Connection, project_id: int, but_newest: int, silent_since: datetime, running: Sequence[str]) -> list[Any]:
    """Give name and tags of runs of a project that are not deleted, the newest ones left out.

    Only of runs that ended, or said nothing since a moment; and that nobody restored. running: the states of those that have not ended.
    """
    t = runs
    there = (t.c.project_id == project_id, t.c.deleted_at.is_(None))
    order = (t.c.created_at.desc(), t.c.id.desc())
    # The one after the last that is kept: everything from there on is older.
    edge = transaction.execute(sa.select(t.c.created_at, t.c.id).where(*there).order_by(*order).offset(but_newest).limit(1)).first()
    if edge is None:
        return []
    older = sa.or_(t.c.created_at < edge.created_at, sa.and_(t.c.created_at == edge.created_at, t.c.id <= edge.id))
    silent = sa.func.coalesce(t.c.heartbeat_at, t.c.created_at) < silent_since
    over = sa.or_(t.c.reported_state.not_in(running), silent)
    return list(transaction.execute(sa.select(t.c.name, t.c.tags).where(*there, older, over, t.c.restored_at.is_(None))).all())


def list_runs(
    transaction: sa.Connection,
    project_id: int,
    ordering: Ordering,
    *,
    where: "sa.ColumnElement[bool] | None" = None,
    after: Sequence[Any] | None = None,
    skip: int = 0,
    at_most: int | None = None,
) -> list[tuple[Run, tuple[Any, ...]]]:
    """Give a page of a project's runs that are not deleted, each with its place in the order. after: of the run before the first."""
    places = [expression.label(f"place_{number}") for number, expression in enumerate(ordering.expressions)]
    statement = _there(sa.select(runs.c.id, *places), project_id, where).order_by(*ordering.clauses)
    if after is not None:
        statement = statement.where(ordering.after(after))
    # The rows themselves, which may be large, are taken along only when it is known which ones are wanted.
    page = statement.offset(skip or None).limit(at_most).subquery()
    named = [page.c[place.name] for place in places]
    whole = _SELECT.add_columns(*named).join(page, page.c.id == runs.c.id).order_by(*ordering.clauses_of(named))
    found = []
    for row in transaction.execute(whole):
        values = dict(row._mapping)
        place = tuple(values.pop(label.name) for label in places)
        found.append((_run_of(values), place))
    return found


def _there(statement: Any, project_id: int, where: "sa.ColumnElement[bool] | None") -> Any:
    """Choose from a project's runs that are not deleted; the owner's name and the values that are compared may be asked for."""
    source = runs.join(projects).join(accounts).outerjoin(run_values, run_values.c.run_id == runs.c.id)
    statement = statement.select_from(source).where(runs.c.project_id == project_id, runs.c.deleted_at.is_(None))
    return statement if where is None else statement.where(where)


def list_changed(transaction: sa.Connection, project_id: int, since: datetime, at_most: int) -> list[Run]:
    """Give the runs of a project that were heard of since a moment, the latest first. Cost: an index tells which."""
    statement = _SELECT.where(runs.c.project_id == project_id, runs.c.heartbeat_at >= since, runs.c.deleted_at.is_(None))
    return [_run(row) for row in transaction.execute(statement.order_by(runs.c.heartbeat_at.desc()).limit(at_most))]


def number_runs(transaction: sa.Connection, project_id: int, names: Sequence[str] | None) -> dict[str, int]:
    """Give the ids of a project's runs that are not deleted, by their names, the newest first. names: of these alone."""
    t = runs
    statement = sa.select(t.c.name, t.c.id).where(t.c.project_id == project_id, t.c.deleted_at.is_(None)).order_by(t.c.id.desc())
    if names is not None:
        statement = statement.where(_is_named(names))
    return {row.name: row.id for row in transaction.execute(statement)}


def count_runs(transaction: sa.Connection, project_id: int, where: "sa.ColumnElement[bool] | None" = None) -> int:
    """Count a project's runs that are not deleted."""
    if where is None:
        there = (runs.c.project_id == project_id, runs.c.deleted_at.is_(None))
        return int(transaction.execute(sa.select(sa.func.count()).select_from(runs).where(*there)).scalar_one())
    return int(transaction.execute(_there(sa.select(sa.func.count()), project_id, where)).scalar_one())


def list_run_ids_of(transaction: sa.Connection, account_id: int) -> list[int]:
    """Give the ids of all runs of an account, deleted ones included."""
    found = sa.select(runs.c.id).join_from(runs, projects).where(projects.c.account_id == account_id)
    return list(transaction.execute(found).scalars())


def count_runs_of(transaction: sa.Connection, account_id: int) -> int:
    """Count an account's runs, deleted ones included."""
    counted = sa.select(sa.func.count()).select_from(runs.join(projects)).where(projects.c.account_id == account_id)
    return int(transaction.execute(counted).scalar_one())


def purge(transaction: sa.Connection, run_ids: Sequence[int]) -> None:
    """Drop runs and what they printed, for good."""
    for run_id in run_ids:
        delete_console_lines(transaction, run_id)
        transaction.execute(sa.delete(run_writers).where(run_writers.c.run_id == run_id))
        transaction.execute(sa.delete(run_values).where(run_values.c.run_id == run_id))
        transaction.execute(sa.delete(runs).where(runs.c.id == run_id))


def lock_run(transaction: sa.Connection, run_id: int) -> None:
    """Let nobody else who does the same to a run go on until this transaction ends."""
    transaction.execute(sa.select(runs.c.id).where(runs.c.id == run_id).with_for_update())


def find_writer(transaction: sa.Connection, run_id: int, writer: str, file: str) -> tuple[int, int, int] | None:
    """Give how far a writer has come in a file: its next line, and where its last stretch begins, in its lines and in the file's."""
    t = run_writers
    where = (t.c.run_id == run_id, t.c.file == file, t.c.writer == writer)
    row = transaction.execute(sa.select(t.c.next_line, t.c.first_line, t.c.first_place).where(*where)).first()
    return None if row is None else (row.next_line, row.first_line, row.first_place)


def count_writers(transaction: sa.Connection, run_id: int, file: str) -> int:
    """Give how many writers a file of a run has had."""
    t = run_writers
    counted = sa.select(sa.func.count()).select_from(t).where(t.c.run_id == run_id, t.c.file == file)
    return int(transaction.execute(counted).scalar_one())


def put_writer(transaction: sa.Connection, run_id: int, writer: str, file: str, reached: tuple[int, int, int]) -> None:
    """Note how far a writer has come."""
    values = dict(zip(("next_line", "first_line", "first_place"), reached, strict=True))
    added = insert_for(transaction, run_writers).values(run_id=run_id, file=file, writer=writer, **values)
    transaction.execute(added.on_conflict_do_update(index_elements=["run_id", "file", "writer"], set_=values))


def delete_console_lines(transaction: sa.Connection, run_id: int) -> None:
    """Drop what a run printed."""
    transaction.execute(sa.delete(console_lines).where(console_lines.c.run_id == run_id))


def put_console_lines(transaction: sa.Connection, run_id: int, first: int, bodies: Sequence[str]) -> None:
    """Write console lines at their place; later ones stay."""
    if not bodies:
        return
    insert = insert_for(transaction, console_lines)
    transaction.execute(
        insert.on_conflict_do_update(index_elements=[console_lines.c.run_id, console_lines.c.line], set_={"body": insert.excluded.body}),
        [{"run_id": run_id, "line": first + index, "body": body} for index, body in enumerate(bodies)],
    )


def read_console_lines(
    transaction: sa.Connection, run_id: int, *, first: int | None, end: int | None, at_most: int, characters: int
) -> list[tuple[int, str, int]]:
    """Give console lines in order, as (line number, beginning of the text, its whole length).

    From number `first` on when that is given, else the last ones, before number `end` when that is given.
    """
    t = console_lines
    statement = _beginnings(characters).where(t.c.run_id == run_id).limit(at_most)
    if first is not None:
        statement = statement.where(t.c.line >= first).order_by(t.c.line)
        return [(line, text, length) for line, text, length in transaction.execute(statement)]
    if end is not None:
        statement = statement.where(t.c.line < end)
    return [(line, text, length) for line, text, length in transaction.execute(statement.order_by(t.c.line.desc()))][::-1]


def search_console_lines(
    transaction: sa.Connection, run_id: int, sought: str, *, characters: int
) -> Generator["sa.Row[int, str, int]", None, None]:
    """Give the console lines that hold a text, whatever its case, the last first, as `read_console_lines` does. To be closed."""
    t = console_lines
    statement = _beginnings(characters).where(t.c.run_id == run_id, t.c.body.icontains(sought, autoescape=True)).order_by(t.c.line.desc())
    with transaction.execute(statement.execution_options(yield_per=500)) as rows:
        yield from rows


def stream_console_lines(transaction: sa.Connection, run_id: int, first: int) -> Generator["sa.Row[int, str]", None, None]:
    """Give console lines from a number on, whole, as (line number, text); few are held at once. To be closed."""
    t = console_lines
    statement = sa.select(t.c.line, t.c.body).where(t.c.run_id == run_id, t.c.line >= first).order_by(t.c.line).limit(10_000)
    with transaction.execute(statement.execution_options(yield_per=50)) as rows:
        yield from rows


def _beginnings(characters: int) -> "sa.Select[int, str, int]":
    t = console_lines
    return sa.select(t.c.line, sa.func.substr(t.c.body, 1, characters), sa.func.length(t.c.body))


def measure_console(transaction: sa.Connection, run_id: int, first: int, count: int) -> tuple[int, int]:
    """Give how many console lines stand at these places, and how many bytes they have."""
    c = console_lines.c
    there = sa.select(c.body).where(c.run_id == run_id, c.line >= first, c.line < first + count)
    sizes = [len(body.encode()) for body in transaction.execute(there).scalars()]
    return len(sizes), sum(sizes)


def next_console_line(transaction: sa.Connection, run_id: int) -> int:
    """Give the number of the console line after the last."""
    last = transaction.execute(sa.select(sa.func.max(console_lines.c.line)).where(console_lines.c.run_id == run_id)).scalar()
    return 0 if last is None else int(last) + 1


def _is_named(wanted: Sequence[str]) -> "sa.ColumnElement[bool]":
    # What cannot be a run's name may be no text for the database either: nothing is called so.
    return runs.c.name.in_([name for name in wanted if names.run_id_fault(name) is None])


def _run(row: Any) -> Run:
    return _run_of(dict(row._mapping))


def _run_of(values: dict[str, Any]) -> Run:
    values["tags"] = tuple(values["tags"])
    return Run(**values)
