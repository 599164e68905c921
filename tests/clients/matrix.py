"""`./dev matrix [VERSION …] [--features NAME …]`: try official clients of many versions, print a table, write docs/compatibility.md.

Nothing is written when something failed without a reason in features.py, or worked although there is one: that is to be mended, there or in
the server. The results of what was tried take the place of the old ones; the rest of the page stays.
"""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from clients import card, features
from clients.environments import VERSIONS, NotMade, python_of
from clients.trying import Trial
from outside import Server, start_server


def main() -> int:
    """Try what is asked for."""
    parser = argparse.ArgumentParser(prog="./dev matrix", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("versions", nargs="*", metavar="VERSION", default=VERSIONS, help="as in requirements/clients; all of them")
    parser.add_argument("--features", nargs="+", default=[], metavar="NAME", help="as in the page; all of them")
    parser.add_argument("--folder", type=Path, help="where to leave what the clients said, which is thrown away otherwise")
    asked = parser.parse_args()
    names = {feature.name for feature in features.FEATURES}
    unknown = sorted(set(asked.versions) - set(VERSIONS)) + sorted(set(asked.features) - names)
    if unknown:
        print(f"Not known: {', '.join(unknown)}. Versions: {', '.join(VERSIONS)}. Features: {'; '.join(sorted(names))}.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        server = start_server(folder / "data")
        try:
            return _try_all(server, folder, asked.versions, asked.features)
        except NotMade as problem:
            print(problem, file=sys.stderr)
            return 1
        finally:
            server.stop()


def _try_all(server: Server, folder: Path, versions: list[str], names: list[str]) -> int:
    key = server.key("mira")

    def try_one(version: str) -> tuple[dict[str, features.Outcome], list[str]]:
        trial = Trial(python_of(version), server, "mira", key, folder)
        outcomes, surprises = trial.judge(version, features.tried_with(version, names))
        print(f"{version}: {_summary(outcomes)}", *surprises, sep="\n  ", flush=True)
        return outcomes, surprises

    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(versions, pool.map(try_one, versions), strict=True))
    _print_table({version: outcomes for version, (outcomes, _) in answers.items()})
    if any(surprises for _, surprises in answers.values()):
        print("Not written: mend what is unexpected, or say why in tests/clients/features.py.", file=sys.stderr)
        return 1
    card.write({version: outcomes for version, (outcomes, _) in answers.items()})
    print(f"Written: {card.PAGE}")
    return 0


def _summary(outcomes: dict[str, features.Outcome]) -> str:
    counts = {word: sum(each.outcome == word for each in outcomes.values()) for word in ("works", "partly", "no")}
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _print_table(found: dict[str, dict[str, features.Outcome]]) -> None:
    names = [feature.name for feature in features.FEATURES if any(feature.name in outcomes for outcomes in found.values())]
    width = max(map(len, names), default=0)
    print(" " * width, *(f"{version:>8}" for version in found))
    for name in names:
        cells = (outcomes[name].outcome if name in outcomes else "" for outcomes in found.values())
        print(f"{name:<{width}}", *(f"{cell:>8}" for cell in cells))


if __name__ == "__main__":
    raise SystemExit(main())
