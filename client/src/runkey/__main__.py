"""Lets `python -m runkey` be the command line."""

from runkey.cli import main

raise SystemExit(main())
