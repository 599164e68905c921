"""The rows of artifacts: functions that take an open transaction, by what they are about."""

from runkey_server.artifacts.store import collections, contents, needs, places, versions

__all__ = ["collections", "contents", "needs", "places", "versions"]
