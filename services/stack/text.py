"""The commands' documents for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Document = Mapping[str, Any]

# Characters that a terminal interprets instead of showing. As in chaos.model.text, which may not be imported here.
_OBEYED: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""*text*, such as a learner's exception, with control and invisible characters escaped: `\x1b`."""
    return _OBEYED.sub(lambda found: _spelled(ord(found[0])), text)


def _spelled(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def table(rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell, two spaces between; the last column is not padded."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = []
    for row in cells:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines) + "\n"


def urls(document: Document) -> str:
    """Addresses of the lab's pages, shown after `up`."""
    prometheus = document["urls"]["prometheus"] or "absent (make doctor says how to get it)"
    grafana = document["urls"].get("grafana", "")  # empty: nobody asked for it
    login = document["scorecard_login"]
    return table(
        [
            ("API", document["urls"]["api"], f"variant {document['variant']}"),
            ("dashboard", document["urls"]["dashboard"], ""),
            ("Prometheus", prometheus, ""),
            *([("Grafana", grafana or "absent (it is said above why)", "")] if grafana != "" else ()),
            (
                "scorecard",
                document["urls"]["scorecard"],
                f"user {login['username']}, password in {login['password_file']}",
            ),
        ]
    )


def up(document: Document) -> str:
    """URLs and how long it took."""
    head = "stack was up already" if document["already_running"] else "stack is up"
    return f"\n{head}: every part ready after {document['total_s']} s\n{urls(document)}"


def down(document: Document) -> str:
    """Whether `down` had anything to stop."""
    if document["was_running"] or document["ended_leftovers"]:
        return f"stack is down ({document['total_s']} s)\n"
    return "stack was down already\n"


def status(document: Document) -> str:
    """One line per part."""
    if not document["running"]:
        return f"stack is down (base port {document['base_port']}, {document['lab_dir']}): make up\n"
    rows: list[Sequence[object]] = [("part", "process", "pid", "ready", "")]
    for name, part in document["parts"].items():
        ready = "yes" if part["ready"] else "no"
        rows.append(
            (name.removeprefix("shop:"), part["state"].lower(), part["pid"] or "-", ready, part["problem"] or "")
        )
    dirty = "".join(f"{sentence}\n" for sentence in document["dirty_proxies"])
    return f"{table(rows)}\n{dirty}{urls(document)}"


def doctor(document: Document) -> str:
    """A table of the parts, then what is missing and which ports are taken."""
    rows: list[Sequence[object]] = [("part", "found", "version", "where")]
    rows.append(("python", "yes", document["python"]["version"], document["python"]["executable"]))
    notes: list[str] = []
    for name, part in document["parts"].items():
        where = f"{' '.join(part['command'])} ({part['source']})" if part["ok"] else "-"
        rows.append((name, "yes" if part["ok"] else "NO", part["version"] or "-", where))
        notes += [f"{name}: {note}\n" for note in (part["missing"], part["hint"]) if note]
    for name, holder in document["ports_taken"].items():
        notes.append(f"port {holder['port']} ({name}): held by {holder['holder']}, expected free\n")
    state = "runs" if document["running"] else "is down"
    facts = f"stack {state} · base port {document['base_port']} · {document['lab_dir']}"
    facts += f" · {document['free_disk_mb']} MB free\n"
    facts += f"variants: {', '.join(document['variants'])}\n"
    return f"{table(rows)}\n{facts}{''.join(notes)}"


def logs(document: Document) -> str:
    """Each log under its name."""
    blocks = []
    for name, lines in document["logs"].items():
        blocks += [f"== {name}\n", *(f"{line}\n" for line in lines)]
    return "".join(blocks)


def reset(document: Document) -> str:
    """What was removed and what was kept."""
    return f"{len(document['removed'])} folders and files removed; scores (.lab/keep) and evidence are untouched\n"


def provision(document: Document) -> str:
    """A table of the parts that were found, then why each missing part is missing."""
    rows = [(name, part["version"] or "-", part["source"] or "absent") for name, part in document["parts"].items()]
    return table(rows) + "".join(f"{name}: {why}\n" for name, why in document["missing"].items())


def plain(document: Document) -> str:
    """`key: value` lines."""
    return "".join(f"{key}: {value}\n" for key, value in document.items())


RENDERERS: Final[Mapping[str, Callable[[Document], str]]] = {
    "up": up,
    "down": down,
    "status": status,
    "doctor": doctor,
    "logs": logs,
    "reset": reset,
    "provision": provision,
}
