"""The packages that are installed where the program runs, as the lines of `requirements.txt`."""

from importlib import metadata


def list_packages() -> list[str]:
    """Give `name==version` of each, sorted. The first of a name on the path is the one that an import finds."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(name.lower(), f"{name}=={distribution.version}")
    return [line for _, line in sorted(found.items())]
