"""Prints a JSON object: path below the given folder -> number of entries that Python's feedparser finds in the file.

Usage: python feedparser_counts.py FOLDER. Reads bytes only, without HTTP headers; an exception counts as -1.
"""

import json
import pathlib
import sys
import warnings

import feedparser

warnings.simplefilter("ignore")


def count(path: pathlib.Path) -> int:
    try:
        return len(feedparser.parse(path.read_bytes()).entries)
    except Exception:  # any failure of the peer is only a number here
        return -1


def main() -> None:
    root = pathlib.Path(sys.argv[1])
    files = sorted(p for p in root.rglob("*") if p.is_file())
    json.dump({str(p.relative_to(root)): count(p) for p in files}, sys.stdout)


main()
