"""junit.xml: one test case per check, so that a CI system can show and gate on a run.

Violated is a failure. Inconclusive is an *error*: the common CI systems count errors as not passed and skipped tests as
passed, and no data is never a pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from chaos.model.counterexamples import Explained
from chaos.report import explain
from chaos.report.words import checks, run_findings

# What XML 1.0 can't hold, even escaped.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(document: Mapping[str, Any], counterexamples: Sequence[Explained] = ()) -> str:
    """Two suites: the checks about the API, and those about the run itself."""
    explained = {one.check: explain.text(one) for one in counterexamples}
    root = ElementTree.Element("testsuites", name="firedrill")
    about = f"{document['scenario']} on {document['variant']}"
    _suite(root, about, checks(document), document, explained)
    _suite(root, f"{about}: the run itself", run_findings(document), document, explained)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{document['duration_s']:.3f}")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(
    root: ElementTree.Element,
    name: str,
    findings: Sequence[Mapping[str, Any]],
    document: Mapping[str, Any],
    explained: Mapping[str, str],
) -> None:
    verdicts = [finding["verdict"] for finding in findings]
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=_fit(name),
        tests=str(len(findings)),
        failures=str(verdicts.count("violated")),
        errors=str(verdicts.count("inconclusive")),
        skipped="0",
        time=f"{document['duration_s']:.3f}",
        timestamp=str(document["started_at"]),
    )
    properties = ElementTree.SubElement(suite, "properties")
    for key in ("run_id", "seed", "scale", "drill", "verdict"):
        ElementTree.SubElement(properties, "property", name=key, value=_fit(str(document[key])))
    classname = f"firedrill.{str(document['scenario']).replace('/', '.')}.{document['variant']}"
    for finding in findings:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_fit(classname), name=_fit(finding["check"]), time="0"
        )
        _outcome(case, finding, explained.get(finding["check"], ""))


def _outcome(case: ElementTree.Element, finding: Mapping[str, Any], more: str) -> None:
    if finding["verdict"] == "held":
        return
    tag = "failure" if finding["verdict"] == "violated" else "error"
    said = finding["reason"] or finding["measured"]
    told = ElementTree.SubElement(case, tag, type=finding["verdict"], message=_fit(said))
    lines = [f"expected: {finding['expected']}", f"measured: {finding['measured'] or '–'}"]
    lines += [f"where: {finding['where']}"] if finding["where"] else []
    lines += [f"examples: {', '.join(finding['examples'])}"] if finding["examples"] else []
    told.text = _fit("\n".join([*lines, *(["", more] if more else [])]))


def _fit(text: str) -> str:
    return _UNFIT.sub("�", text)
