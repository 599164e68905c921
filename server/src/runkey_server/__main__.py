"""Lets `python -m runkey_server` be the command line."""

from runkey_server.cli import main

raise SystemExit(main())
