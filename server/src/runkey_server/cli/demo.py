"""`runkey-server demo`: describes the command; `runkey_server.demo` does it."""

import argparse

from runkey_server.demo.showing import show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey-server demo --exit"
    parser.add_argument("--exit", action="store_true", help="end by itself, with code 0 when what was read back is what was logged")


def run(arguments: argparse.Namespace) -> int:
    """Show it."""
    return show(ends_by_itself=arguments.exit)
