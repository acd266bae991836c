"""The safety figures of a run on a page: a picture for each of its checks that can be drawn, live and afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from chaos.evidence.growing import Run
from chaos.evidence.safety import CHARGES_CHECK, CLIENTS, END_STATE, Curve, Picture
from chaos.model.verdict import Finding
from dashboard import charts, markup, sources, words
from dashboard.parts import is_dark
from dashboard.runchart import prometheus_url

SO_FAR = (
    "As clients were told so far, charges as the gateway counted them. This shows and does not judge: an order that "
    "was refused counts until a client hears of it."
)
AT_THE_END = (
    "Seats and charges by the orders and the gateway's ledger at the end, each where it came to be; the rest by what "
    "clients were told. The checks decide."
)


def show(run: Run, *, until_s: float, listed: Sequence[Finding] = ()) -> None:
    """Nothing for a run whose checks can't be drawn, or before there is something to draw."""
    found = [with_charges(picture, run) for picture in sources.pictures(run.folder, run.state.value, run.t0_unix_s)]
    if not found:
        return
    st.header("What must stay true")
    findings = {finding.check: finding for finding in listed}
    until_s = max([until_s, *(curve.points[-1][0] for picture in found for curve in picture.curves)])
    for start in range(0, len(found), 2):
        row = found[start : start + 2]
        for column, picture in zip(st.columns(2), row, strict=False):
            with column, st.container(key=f"safety-{picture.check}"):
                st.html(heading(picture, findings))
                st.echarts_chart(
                    charts.safety_option(picture, run, until_s=float(until_s), dark=is_dark()),
                    height=charts.safety_height_px(run, until_s=until_s),
                    key=f"picture-{picture.check}",
                    alt=f"{picture.title}: {picture.said}",
                )
    st.html(markup.quiet(AT_THE_END if any(each.source == END_STATE for each in found) else SO_FAR))


def heading(picture: Picture, findings: Mapping[str, Finding]) -> str:
    """The figure in words: as the check measured it, or so far."""
    finding = findings.get(picture.check)
    if finding is not None:
        said = f"{markup.sign(words.verdict_sign(finding.verdict))} {markup.text(finding.measured or picture.said)}"
    elif picture.beyond:
        sign = words.Sign(words.WARN, f"{picture.said} so far", "warn")
        said = markup.sign(sign).replace("fd-sign", "fd-sign fd-wrap")
    else:
        said = f"{markup.text(picture.said)} so far"
    name = markup.name(picture.check)
    return f"<h3>{markup.text(picture.title)}</h3><p>{said} <span class='fd-quiet'>({name})</span></p>"


def with_charges(picture: Picture, run: Run) -> Picture:
    """While a run goes on the folder has no charges: the gateway's counter has, where Prometheus reads it."""
    if picture.check != CHARGES_CHECK or picture.source != CLIENTS or run.t0_unix_s is None:
        return picture
    points, _ = sources.attempt(lambda: sources.charges(prometheus_url(), run.t0_unix_s or 0.0))
    if not points:
        return picture
    charges = Curve(name="charges", points=tuple(points))
    said = f"{charges.last} charges for {picture.curves[0].last} accepted orders"
    return replace(picture, said=said, curves=(*picture.curves, charges))
