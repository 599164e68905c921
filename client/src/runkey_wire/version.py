"""The one version of both distributions: they are released together."""

__version__ = "0.1.0"
