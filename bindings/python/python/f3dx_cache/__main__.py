"""`python -m f3dx_cache`: check a cache file, and save what is intact in a damaged one."""

import argparse
import sys

from . import FileError, __version__, recover, verify


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status: 0 all is well, 1 something is not, 2 an error."""
    parser = argparse.ArgumentParser("f3dx_cache", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    told = "check a file and list what is wrong with it; exit status 1 if anything is"
    command = commands.add_parser("verify", help=told, description=told)
    command.add_argument("path", metavar="FILE")
    told = "copy every intact entry into a new file; exit status 1 if any was lost"
    command = commands.add_parser("recover", help=told, description=told)
    command.add_argument("path", metavar="FILE")
    command.add_argument("new", metavar="NEW_FILE")
    asked = parser.parse_args(arguments)
    try:
        return _verify(asked.path) if asked.command == "verify" else _recover(asked.path, asked.new)
    except FileError as error:
        print(error, file=sys.stderr)
        return 2


def _verify(path: str) -> int:
    found = verify(path)
    for flaw in found["flaws"]:
        print(_line(flaw))
    print(f"{path}: {found['intact']} of {found['entries']} entries are intact")
    if found["flaws"]:
        print(f"save them with: python -m f3dx_cache recover {path} NEW_FILE")
    return 1 if found["flaws"] else 0


def _recover(path: str, new: str) -> int:
    saved = recover(path, new)
    for flaw in saved["flaws"]:
        print(_line(flaw))
    for fingerprint in saved["lost"]:
        print(f"{fingerprint}: lost")
    print(f"{new}: {saved['recovered']} entries recovered, {len(saved['lost'])} lost")
    return 1 if saved["lost"] else 0


def _line(flaw) -> str:
    return f"{flaw['fingerprint'] or 'the file'}: {flaw['what']}"


if __name__ == "__main__":
    sys.exit(main())
