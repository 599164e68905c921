"""Exports: a run's or a project's history, its events, or its runs, as CSV or Parquet, piece by piece.

It reads through `runs` and `history` and keeps nothing. However long somebody takes to fetch one, no transaction is open meanwhile: each
portion has its own. Memory is bounded by a portion, never by a run. Who may read is `projects.may`, asked by `runs` and `projects`.
"""

from runkey_server.exporting.opening import Export, open_export

__all__ = ["Export", "open_export"]
