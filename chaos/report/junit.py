"""junit.xml: one test case per check, so that a CI system can show and gate on a run.

Violated is a failure. Inconclusive is an *error*: the common CI systems count errors as not passed and skipped tests as
passed, and no data is never a pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from chaos.model.counterexamples import Explained
from chaos.model.verdict import Finding, Verdict, VerdictDocument
from chaos.report import explain
from chaos.report.words import ABORTED

# What XML 1.0 can't hold, even escaped.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(document: VerdictDocument, counterexamples: Sequence[Explained] = ()) -> str:
    """Two suites: the checks about the API, and those about the run itself."""
    explained = {one.check: explain.text(one, run=document.run_id) for one in counterexamples}
    root = ElementTree.Element("testsuites", name="firedrill")
    about = f"{document.scenario} on {document.variant}" + (ABORTED if document.aborted else "")
    _suite(root, about, document.checks, document, explained)
    _suite(root, f"{about}: the run itself", document.about_run, document, explained)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{document.duration_s:.3f}")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(
    root: ElementTree.Element,
    name: str,
    findings: Sequence[Finding],
    document: VerdictDocument,
    explained: Mapping[str, str],
) -> None:
    verdicts = [finding.verdict for finding in findings]
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=_fit(name),
        tests=str(len(findings)),
        failures=str(verdicts.count(Verdict.VIOLATED)),
        errors=str(verdicts.count(Verdict.INCONCLUSIVE)),
        skipped="0",
        time=f"{document.duration_s:.3f}",
        timestamp=document.started_at,
    )
    properties = ElementTree.SubElement(suite, "properties")
    for key in ("run_id", "seed", "scale", "drill", "verdict", "summary", "advice", "aborted"):
        if said := str(getattr(document, key)):
            ElementTree.SubElement(properties, "property", name=key, value=_fit(said))
    classname = f"firedrill.{document.scenario.replace('/', '.')}.{document.variant}"
    for finding in findings:
        case = ElementTree.SubElement(suite, "testcase", classname=_fit(classname), name=_fit(finding.check), time="0")
        _outcome(case, finding, explained.get(finding.check, ""))


def _outcome(case: ElementTree.Element, finding: Finding, more: str) -> None:
    if finding.verdict is Verdict.HELD:
        return
    tag = "failure" if finding.verdict is Verdict.VIOLATED else "error"
    said = finding.why or finding.measured
    told = ElementTree.SubElement(case, tag, type=finding.verdict, message=_fit(said))
    lines = [f"expected: {finding.expected}", f"measured: {finding.measured or '–'}"]
    lines += [f"where: {finding.where}"] if finding.where else []
    lines += [f"examples: {', '.join(finding.examples)}"] if finding.examples else []
    told.text = _fit("\n".join([*lines, *(["", more] if more else [])]))


def _fit(text: str) -> str:
    return _UNFIT.sub("�", text)
