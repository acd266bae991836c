"""Puts the reports into an evidence folder."""

from __future__ import annotations

from pathlib import Path

from chaos.files import write_atomic
from chaos.model.folder import File
from chaos.report import html, junit, markdown
from chaos.report.words import Shown


def write_reports(evidence: Path, shown: Shown) -> None:
    """report.md, report.html and junit.xml. Raises: OSError."""
    write_atomic(evidence / File.REPORT, markdown.render(shown).encode())
    write_atomic(evidence / File.REPORT_PAGE, html.render(shown).encode())
    write_atomic(evidence / File.JUNIT, junit.render(shown.document, shown.counterexamples).encode())
