"""Which of many named files are there, without asking the file system for each."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

from lince.data.manifest.text import repaired

MISSING = "file missing"

# Up to so many names in a folder are asked for one by one.
_FEW = 16
# Of a folder's entries, at most so many are listed for each name wanted: it may hold millions more.
_ENTRIES_PER_NAME = 64


def absent_files(paths: Iterable[str]) -> dict[str, str]:
    """Why each path that is not a file is none; paths of files are left out.

    Folders are listed once: on one local disk a third of the time of a call per path, over a network far less. What a
    listing does not show is asked for by name, so that case, accents and links are judged by the file system itself.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        folders[path[: path.rfind(os.sep) + 1]].append(path)
    absent: dict[str, str] = {}
    for folder, named in folders.items():
        for path in _unlisted(folder, named):
            reason = _reason(path)
            if reason is not None:
                absent[path] = reason
    return absent


def _unlisted(folder: str, paths: Sequence[str]) -> Iterable[str]:
    """Paths that a look at the folder's entries did not find to be files."""
    if len(paths) <= _FEW:
        return paths
    start = len(folder)
    names = {path[start:]: path for path in paths}
    try:
        with os.scandir(folder or ".") as entries:
            for entry in islice(entries, _ENTRIES_PER_NAME * len(names)):
                if entry.name in names and entry.is_file():
                    del names[entry.name]
                    if not names:
                        break
    except (OSError, ValueError):
        pass  # each file says for itself what is wrong
    return names.values()


def _reason(path: str) -> str | None:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    except PermissionError:
        return "not permitted to look at the file"
    except (OSError, ValueError) as error:
        return f"not a usable path: {getattr(error, 'strerror', None) or error}"
    return None if stat.S_ISREG(mode) else "not a file"


def spellings(path: str) -> list[str]:
    """Other ways in which a path that is not found may have been meant, nearest first.

    Bytes that are not UTF-8 as Windows-1252, no blanks around it, slashes for backslashes, accents as one sign or two.
    """
    text = repaired(path)
    stripped = text.strip()
    slashed = stripped.replace("\\", "/")
    forms = (text, stripped, slashed, unicodedata.normalize("NFC", slashed), unicodedata.normalize("NFD", slashed))
    return [form for form in dict.fromkeys(forms) if form != path]
