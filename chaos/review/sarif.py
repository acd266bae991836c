"""Notes as SARIF 2.1.0 and back, so that editors and Git hosts show them, and scanners' findings can be read.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) 2.1.0.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final, TypeGuard
from urllib.parse import unquote

import msgspec

from chaos.errors import InvalidInput
from chaos.model import cwe
from chaos.model.notes import MOST_NOTES, Note, Severity, says_something

LEVEL: Final[Mapping[str, str]] = {"low": "note", "medium": "warning", "high": "error", "critical": "error"}
SCORE: Final[Mapping[str, str]] = {"low": "3.0", "medium": "5.5", "high": "8.0", "critical": "9.5"}
"""As Git hosts read `security-severity`."""
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_CWE: Final = re.compile(r"cwe[-/_ ]?0*(\d{1,5})", re.IGNORECASE)


def exported(notes: Sequence[Note], *, folder: str) -> dict[str, Any]:
    """One run whose results are *notes*; *folder* is that of the files, from the checkout's top."""
    numbers = sorted({note.cwe for note in notes})
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "firedrill review",
                        "rules": [
                            {
                                "id": f"CWE-{number}",
                                "name": re.sub(r"\W+", "", cwe.names()[number].title()) or f"Cwe{number}",
                                "shortDescription": {"text": cwe.names()[number]},
                                "helpUri": f"https://cwe.mitre.org/data/definitions/{number}.html",
                                "properties": {"tags": ["security", f"external/cwe/cwe-{number}"]},
                            }
                            for number in numbers
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(note, numbers.index(note.cwe), folder) for note in notes],
            }
        ],
    }


def _result(note: Note, rule: int, folder: str) -> dict[str, Any]:
    return {
        "ruleId": f"CWE-{note.cwe}",
        "ruleIndex": rule,
        "level": LEVEL[note.severity],
        "message": {"text": note.why},
        "properties": {"severity": note.severity, "security-severity": SCORE[note.severity]},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": f"{folder}/{note.file}", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": note.line, "endLine": note.last_line},
                }
            }
        ],
    }


def imported(content: bytes, originals: Mapping[str, str], where: str) -> tuple[list[Note], list[str]]:
    """Notes, and what was left out and why. Raises: InvalidInput for what is no SARIF."""
    try:
        document = msgspec.json.decode(content.removeprefix(BOM_UTF8))
        runs = document["runs"]
        assert isinstance(runs, list)
    except (msgspec.DecodeError, KeyError, TypeError, AssertionError, RecursionError):
        raise InvalidInput(f"{where}: got no SARIF, expected version 2.1.0 with its runs") from None
    found: list[Note] = []
    left: list[str] = []
    for run in runs:
        rules = _rules(run)
        for number, result in enumerate(_list(run, "results"), 1):
            told = f"{where}: result {number}"
            note = _note(result, rules, originals, told)
            if isinstance(note, str):
                left.append(f"{told}: left out: {note}")
            else:
                found.append(note)
    if len(found) > MOST_NOTES:
        raise InvalidInput(f"{where}: got {len(found)} results, expected at most {MOST_NOTES}")
    return found, left


def _note(result: Any, rules: Mapping[str, Any], originals: Mapping[str, str], where: str) -> Note | str:
    if not isinstance(result, dict):
        return "no result"
    rule = rules.get(str(result.get("ruleId")), {})
    number = next(
        (n for n in _numbers([result.get("ruleId"), result.get("properties"), result.get("taxa"), rule])), None
    )
    if number is None:
        return "it names no CWE"
    place = _dict(_first(_list(result, "locations")).get("physicalLocation"))
    uri = _dict(place.get("artifactLocation")).get("uri")
    file = PurePosixPath(unquote(uri)).name if isinstance(uri, str) else ""
    if file not in originals:
        return f"{file or 'no file'} is no file of the sample"
    region = _dict(place.get("region"))
    first, most = region.get("startLine"), len(originals[file].rstrip("\n").split("\n"))
    last = region.get("endLine")
    last = first if last is None else last
    if not (_whole(first) and _whole(last) and 1 <= first <= last <= most):
        return f"line {str(first)[:40]} is not in {file}"
    why = _why(_dict(result.get("message")).get("text")) or cwe.names()[number]
    severity = _severity(result, rule)
    return Note(file=file, line=first, last_line=last, cwe=number, severity=severity, why=why, where=where)


def _severity(result: Mapping[str, Any], rule: Any) -> Severity:
    properties = result.get("properties")
    own = properties.get("severity") if isinstance(properties, dict) else None
    if isinstance(own, str) and own in LEVEL:
        return own  # type: ignore[return-value]  # a key of LEVEL is one
    level = result.get("level") or _dict(_dict(rule).get("defaultConfiguration")).get("level")
    return "high" if level == "error" else "low" if level == "note" else "medium"


def _rules(run: Any) -> dict[str, Any]:
    driver = _dict(_dict(_dict(run).get("tool")).get("driver"))
    return {str(rule.get("id")): rule for rule in _list(driver, "rules") if isinstance(rule, dict)}


def _numbers(parts: Iterable[Any]) -> Iterable[int]:
    """Numbers of the CWE, in what names them: rule ids, tags, taxa."""
    for part in parts:
        if part is None:
            continue
        text = part if isinstance(part, str) else msgspec.json.encode(part).decode()
        yield from (number for found in _CWE.findall(text) if (number := int(found)) in cwe.names())


def _why(text: Any) -> str:
    """One line of *text* that a note may have as its reason; empty where it says nothing."""
    signs = (sign if sign.isprintable() else " " for sign in text) if isinstance(text, str) else ()
    said = " ".join("".join(signs).split())
    return said if says_something(said) else ""


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)  # true is no line


def _list(parent: Any, key: str) -> list[Any]:
    value = _dict(parent).get(key)
    return value if isinstance(value, list) else []


def _first(values: list[Any]) -> dict[str, Any]:
    return _dict(values[0]) if values else {}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
