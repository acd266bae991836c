"""The strip of dependencies on Live: proxies, queues, breakers and the pool, each with what is the case in words."""

from __future__ import annotations

import streamlit as st

from dashboard import markup, runchart, sources, words

QUEUES = {"all": "tasks waiting"}


def show(variant: str) -> None:
    st.header("Dependencies")
    client, error = sources.attempt(sources.prometheus)
    found, error = (
        sources.attempt(lambda: sources.dependencies(runchart.prometheus_url(), variant))
        if client is not None
        else (None, error)
    )
    if found is None:
        if error is not None:
            st.html(markup.quiet(f"{markup.text(error.what)} Proxies and queues are read from Prometheus."))
        return
    toxics = {sample.labels.get("proxy", "?"): sample.value for sample in found["toxics"]}
    chips = [
        (sample.labels.get("proxy", "?"), proxy_sign(sample.value, toxics.get(sample.labels.get("proxy", "?"))))
        for sample in sorted(found["enabled"], key=lambda sample: sample.labels.get("proxy", ""))
    ]
    chips += [
        (
            QUEUES.get(queue := sample.labels.get("queue", "?"), f"tasks waiting in {queue}"),
            words.Sign("", words.count_text(sample.value), "none"),
        )
        for sample in sorted(found["queue"], key=lambda sample: sample.labels.get("queue", ""))
    ]
    chips += [("tasks in hand", words.Sign("", words.count_text(sample.value), "none")) for sample in found["unacked"]]
    failing = {sample.labels.get("dependency", "?"): sample.value for sample in found["failing"]}
    chips += [
        (f"circuit breaker of {name}", breaker_sign(sample.value))
        for sample in sorted(found["breaker"], key=lambda sample: sample.labels.get("dependency", ""))
        if (name := sample.labels.get("dependency", "?"))
    ]
    chips += [
        (f"calls to {name}", words.Sign(words.WARN, f"{words.rate_text(rate)} fail", "warn"))
        for name, rate in sorted(failing.items())
        if rate
    ]
    chips += [
        ("database pool", words.Sign("", f"p95 wait {words.latency_text(sample.value)}", "none"))
        for sample in found["pool"]
        if sample.value is not None
    ]
    if chips:
        st.html(markup.strip(chips, label="Proxies, breakers, pool and queues"))
    else:
        st.html(markup.quiet("The agent has reported no proxies or queues yet."))


def breaker_sign(state: float | None) -> words.Sign:
    if state is None:
        return words.Sign("○", "unknown", "none")
    if state >= 2:
        return words.Sign(words.BAD, "open: calls are refused", "bad")
    if state >= 1:
        return words.Sign(words.WARN, "half open: one call tries", "warn")
    return words.Sign(words.GOOD, "closed: calls pass", "good")


def proxy_sign(enabled: float | None, toxics: float | None) -> words.Sign:
    if enabled is None:
        return words.Sign("○", "unknown", "none")
    if enabled == 0:
        return words.Sign(words.BAD, "cut", "bad")
    if toxics:
        return words.Sign(words.WARN, f"{toxics:.0f} toxic" + ("s" if toxics != 1 else ""), "warn")
    return words.Sign(words.GOOD, "connected", "good")
