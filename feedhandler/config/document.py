"""The configuration file as TOML, and what is wrong with it before any key is looked at."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shm.permissions import whose


class ConfigError(ValueError):
    """What is wrong with a configuration, a line a mistake: file, key, value, what is allowed."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def read(path: Path) -> tuple[dict[str, Any], str]:
    """What the file says, and its text. Raises ConfigError for one that cannot be read or is no
    TOML."""
    try:
        text = path.read_text(encoding="utf-8-sig") + "\n"  # errors at its end have a line, too
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: {_in_words(text, str(error))}"]) from None
    except RecursionError:
        raise ConfigError([f"{path}: not TOML that can be read: it is nested too deeply"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8: {error}"]) from None
    except OSError as error:
        why = f": {whose(path)}" if isinstance(error, PermissionError) else ""
        raise ConfigError([f"{path}: cannot be read: {error.strerror or error}{why}"]) from None


def _in_words(text: str, error: str) -> str:
    found = re.fullmatch(r"(.*) \(at line (\d+), column \d+\)", error)
    if found is None:  # at the end of the document
        return f"not TOML: {error}"
    lines = text.splitlines()
    line = lines[int(found[2]) - 1].strip()[:60] if int(found[2]) <= len(lines) else ""
    where = f"line {found[2]}"
    if line.startswith("[") and re.match(r"Cannot (declare|overwrite|mutate)", found[1]):
        return f"{where}: {line} stands a second time: put all its keys into one table"
    if found[1].startswith("Cannot overwrite"):
        return f"{where}: {line.partition('=')[0].strip()} stands a second time in its table"
    hint = ""
    if re.search(r"= *(True|False)\b", line):
        hint = "; true and false are written small"
    elif re.fullmatch(r"[\w-]+ *= *[^\s\"'\[{#][^\"'#]*(#.*)?", line):
        hint = "; a text has quotes around it"
    elif re.match(r"[\w-]+ *:", line):
        hint = "; write key = value"
    return f"{where}: not TOML: {found[1]}: {line}{hint}"
