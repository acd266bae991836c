"""Every way in which a scenario file can be wrong, with the whole sentence that its author gets to read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaos.config import CHECKOUT
from chaos.errors import ExitCode, InvalidInput
from chaos.faults import KINDS
from chaos.invariants import KINDS as INVARIANT_KINDS
from chaos.load import SCENARIOS, find_scenario, load_scenario, parse_scenario, scenario_name
from chaos.model import access
from chaos.model.operations import OPERATIONS
from tests.unit.chaos.scenarios import GOOD, WHERE, bent, good

TOP = (
    "title, drill, hypothesis, seed, world, blast_radius, settle, may_restart, double_clicks,"
    " load, exchanges, faults, steady_state, checks, guardrails, proves"
)
PROXIES = "shop_to_broker, shop_to_cache, shop_to_gateway, shop_to_mail, shop_to_postgres"
INVARIANTS = ", ".join(sorted(INVARIANT_KINDS))
FAULTS = ", ".join(sorted(KINDS))
A_DURATION = "expected a duration such as 500ms, 10s or 2m"
TABLE = (CHECKOUT / access.TABLE).read_text()


def problems(text: str) -> list[str]:
    """What loading *text* complains about, without the file's name."""
    with pytest.raises(InvalidInput) as caught:
        parse_scenario(text, name="own/small", where=WHERE)
    assert caught.value.exit_code is ExitCode.INVALID
    assert all(problem.startswith(f"{WHERE}: ") for problem in caught.value.problems)
    return [problem.removeprefix(f"{WHERE}: ") for problem in caught.value.problems]


def test_the_unbent_scenario_loads() -> None:
    scenario = good()
    assert [fault.id for fault in scenario.faults] == ["1-latency-shop_to_gateway", "2-kill-worker"]
    assert [check.id for check in scenario.checks] == [
        "no_oversell",
        "slo:success_ratio[spike,buy]",
        "recovers_within",
        # What no file can leave out:
        "answers_match_the_world",
        "no_false_refusal",
        "views_tell_the_truth",
    ]
    assert scenario.text == GOOD
    assert scenario.duration_s == 28.0


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        pytest.param(
            "settle: 20s",
            "settel: 20s",
            f"settel: got an unknown key, expected one of {TOP} (did you mean settle?) (line 7)",
            id="unknown key",
        ),
        pytest.param(
            "settle: 20s",
            "'[key]': 20s",
            f"'[key]': got an unknown key, expected one of {TOP} (line 7)",
            id="unknown key that pydantic uses as a mark",
        ),
        pytest.param(
            "seats: 150",
            "seat: 150",
            "world.seat: got an unknown key, expected one of events, "
            "hot_tiers, seats, customers, old_orders, access_lifetime_s"
            " (did you mean seats?) (line 5)",
            id="unknown key of the world",
        ),
        pytest.param(
            "arrivals: 12/s -> 50/s",
            "arivals: 3/s, arrivals: 12/s",
            "load[1].arivals: got an unknown key, expected one of phase, for, arrivals, mix"
            " (did you mean arrivals?) (line 10)",
            id="unknown key of a phase",
        ),
        pytest.param(
            "latency: 300ms",
            "latency: 300ms, jiter: 5ms",
            "faults[0].jiter: got an unknown key, expected one of on, exposed_at_least, for, during, from, toxicity,"
            " stream, inject, latency, jitter (did you mean jitter?) (line 13)",
            id="unknown key of a fault",
        ),
        pytest.param(
            "on: shop_to_gateway",
            "on: shop_to_gatewy",
            f"faults[0].on: got 'shop_to_gatewy', expected one of {PROXIES} (did you mean shop_to_gateway?) (line 13)",
            id="unknown proxy",
        ),
        pytest.param(
            "on: worker",
            "on: shop_to_cache",
            "faults[1].on: got 'shop_to_cache', expected one of api, worker (line 14)",
            id="kill of a proxy",
        ),
        pytest.param(
            "[shop_to_gateway, worker]",
            "[shop_to_gateway, worker, postgres]",
            "blast_radius[2]: got 'postgres', expected one of api, gateway, relay, shop_to_broker, shop_to_cache,"
            " shop_to_gateway, shop_to_mail, shop_to_postgres, worker (did you mean shop_to_postgres?) (line 6)",
            id="unknown target in the blast radius",
        ),
        pytest.param("for: 6s", "for: -6s", f"faults[0].for: got '-6s', {A_DURATION} (line 13)", id="negative"),
        pytest.param("for: 6s", "for: 6", f"faults[0].for: got 6, {A_DURATION} (line 13)", id="no unit"),
        pytest.param("for: 6s", "for: 0s", "faults[0].for: got '0s', expected more than 0 (line 13)", id="nothing"),
        pytest.param("settle: 20s", "settle: 1e3", f"settle: got 1000.0, {A_DURATION} (line 7)", id="a float"),
        pytest.param("settle: 20s", "settle: .nan", f"settle: got nan, {A_DURATION} (line 7)", id="not a number"),
        pytest.param("settle: 20s", "settle: 999m", "settle: got 59940.0, expected at most 600 (line 7)", id="huge"),
        pytest.param(
            "[shop_to_gateway, worker]",
            "[worker]",
            "faults[0].on: got 'shop_to_gateway', expected a target inside the blast radius (worker) (line 13)",
            id="outside the blast radius",
        ),
        pytest.param(
            "[shop_to_gateway, worker]",
            "[shop_to_gateway]",
            "faults[1].on: got 'worker', expected a target inside the blast radius (shop_to_gateway) (line 14)",
            id="a process outside the blast radius",
        ),
        pytest.param(
            "from: spike+2s",
            "from: spkie+2s",
            "faults[0].from: got 'spkie', expected one of after, calm, spike (did you mean spike?) (line 13)",
            id="phase that doesn't exist",
        ),
        pytest.param(
            "after: spike+3s",
            "after: never",
            "faults[1].after: got 'never', expected one of after, calm, spike (line 14)",
            id="phase of a trigger that doesn't exist",
        ),
        pytest.param(
            "phase: spike, op: buy",
            "phase: Spike, op: buy",
            "checks[1].phase: got 'Spike', expected one of after, calm, spike (did you mean spike?) (line 19)",
            id="phase of an SLO that doesn't exist",
        ),
        pytest.param(
            "from: spike+2s",
            "from: 12s",
            "faults[0].from: got '12s', expected a moment such as spike+2s (line 13)",
            id="a moment without a phase",
        ),
        pytest.param(
            "from: spike+2s",
            "from: spike+12s",
            "faults[0].from: got spike+12s, expected a moment inside spike, which lasts 12s (line 13)",
            id="a moment after its phase",
        ),
        pytest.param(
            "from: spike+2s",
            "from: calm+2s",
            "faults[0].from: got calm+2s, expected a later phase: the steady state is judged on calm, without faults"
            " (line 13)",
            id="a fault in the steady state",
        ),
        pytest.param(
            "from: spike+2s, for: 6s",
            "from: after+3s, for: 6s",
            "faults[0].from: got a fault that ends at 29s, expected an end within the load's 28s (line 13)",
            id="a fault beyond the load",
        ),
        pytest.param(
            "arrivals: 12/s -> 50/s",
            "arrivals: 20",
            "load[1].arrivals: got 20, expected a rate with its unit, such as 20/s (line 10)",
            id="rate without unit",
        ),
        pytest.param(
            "arrivals: 12/s -> 50/s",
            "arrivals: 12/s -> 50",
            "load[1].arrivals: got '50', expected a rate with its unit, such as 20/s (line 10)",
            id="second rate without unit",
        ),
        pytest.param(
            "arrivals: 12/s -> 50/s",
            "arrivals: 1/s -> 2/s -> 3/s",
            "load[1].arrivals: got '1/s -> 2/s -> 3/s', expected one rate, or two with -> between them (line 10)",
            id="three rates",
        ),
        pytest.param(
            "arrivals: 12/s -> 50/s",
            "arrivals: 0/s",
            "load[1].arrivals: got a rate of 0/s throughout, expected arrivals (line 10)",
            id="no arrivals",
        ),
        pytest.param(
            "arrivals: 12/s -> 50/s",
            "arrivals: 12/s -> 99999999/s",
            "load[1].arrivals: got 1e+08/s, expected at most 10000/s (line 10)",
            id="a rate that can't be meant",
        ),
        pytest.param(
            "latency: 300ms",
            "latency: 0ms",
            "faults[0].latency: got 0.0, expected at least 0.01 (line 13)",
            id="latency of nothing",
        ),
        pytest.param(
            "latency: 300ms",
            "latency: 61s",
            "faults[0].latency: got 61.0, expected at most 60 (line 13)",
            id="latency that outlasts every deadline",
        ),
        pytest.param(
            "latency: 300ms",
            "latency: 300ms, jitter: 4000000000000000s",
            "faults[0].jitter: got 4000000000000000.0, expected at most 60 (line 13)",
            id="jitter that crashes Toxiproxy",
        ),
        pytest.param(
            "latency: 300ms",
            "latency: 300ms, jitter: 301ms",
            "faults[0]: got jitter 0.301s, expected at most the latency 0.3s (line 13)",
            id="jitter beyond the latency",
        ),
        pytest.param(
            "latency: 300ms",
            "latency: 300ms, toxicity: 7",
            "faults[0].toxicity: got 7, expected a share from 0% to 100% (line 13)",
            id="toxicity that Toxiproxy would take",
        ),
        pytest.param(
            "latency: 300ms",
            "latency: 300ms, toxicity: 0%",
            "faults[0].toxicity: got 0.0, expected at least 0.01 (line 13)",
            id="toxicity of nothing",
        ),
        pytest.param(
            "latency: 300ms",
            "latency: 300ms, stream: sideways",
            "faults[0].stream: got 'sideways', expected 'downstream' or 'upstream' (line 13)",
            id="stream that doesn't exist",
        ),
        pytest.param(
            "inject: latency",
            "inject: latncy",
            f"faults[0]: got 'latncy', expected one of {FAULTS} (did you mean latency?) (line 13)",
            id="unknown fault kind",
        ),
        pytest.param(
            "inject: latency, ",
            "",
            f"faults[0]: got no inject, expected one of {FAULTS} (line 13)",
            id="fault without kind",
        ),
        pytest.param(
            "when: charge_in_flight, ",
            "",
            "faults[1]: got neither or both, expected `at:`, or `when:` together with `after:` (line 14)",
            id="after without when",
        ),
        pytest.param(
            "when: charge_in_flight",
            "when: full_moon",
            "faults[1].when: got 'full_moon', expected 'charge_in_flight' (line 14)",
            id="trigger that doesn't exist",
        ),
        pytest.param(
            "invariant: no_oversell",
            "invariant: no_oversel",
            f"checks[0]: got 'no_oversel', expected one of {INVARIANTS} (did you mean no_oversell?) (line 18)",
            id="unknown invariant",
        ),
        pytest.param(
            "{invariant: no_oversell}",
            "{invarant: no_oversell}",
            "checks[0]: got invarant, expected invariant, slo or recovers_within (line 18)",
            id="unknown check",
        ),
        pytest.param(
            "{invariant: no_oversell}",
            "no_oversell",
            "checks[0]: got 'no_oversell', expected a mapping with invariant, slo or recovers_within (line 18)",
            id="check that is a word",
        ),
        pytest.param(
            "op: buy, at_least: 95%",
            "op: login, at_least: 95%",
            "checks[1].op: got 'login', expected one of browse, buy: the mix of phase spike performs no other"
            " (line 19)",
            id="operation that the mix never performs",
        ),
        pytest.param(
            "op: buy, at_least: 95%",
            "op: poll, at_least: 95%",
            "checks[1].op: got 'poll', expected one of browse, buy: the mix of phase spike performs no other (line 19)",
            id="operation that is never scheduled",
        ),
        pytest.param(
            "at_least: 95%",
            "at_least: 95",
            "checks[1].at_least: got 95, expected a share from 0% to 100% (line 19)",
            id="share without sign",
        ),
        pytest.param(
            "at_least: 95%",
            "at_least: 101%",
            "checks[1].at_least: got '101%', expected a share from 0% to 100% (line 19)",
            id="share beyond all",
        ),
        pytest.param(
            "op: buy, at_least: 95%",
            "op: buy",
            "checks[1]: got no limit, expected one of at_least, at_most (line 19)",
            id="no limit",
        ),
        pytest.param(
            "{recovers_within: 5s}",
            "{recovers_within: 5s}\n  - {invariant: no_oversell}",
            "checks[3]: got no_oversell a second time, expected each check once (line 21)",
            id="the same check twice",
        ),
        pytest.param(
            "must: [no_oversell]",
            "must: [no_oversel]",
            "proves.naive.must[0]: got 'no_oversel', expected one of answers_match_the_world, no_false_refusal,"
            " no_oversell, recovers_within, slo:success_ratio[spike,buy], views_tell_the_truth"
            " (did you mean no_oversell?) (line 24)",
            id="self-test of a check that isn't there",
        ),
        pytest.param(
            "may: [recovers_within]",
            "may: [no_oversell]",
            "proves.naive: got 'no_oversell' under must and may, expected one of them (line 24)",
            id="must and may",
        ),
        pytest.param(
            "must: [no_oversell]",
            "must: []",
            "proves.naive.must: got none, expected a check that naive violates, or a mutant under proves.mutants"
            " (line 24)",
            id="a self-test that proves nothing",
        ),
        pytest.param(
            "phase: after, for: 8s",
            "phase: calm, for: 8s",
            "load: got the phase 'calm' 2 times, expected unique names (line 8)",
            id="two phases of one name",
        ),
        pytest.param(
            "mix: {browse: 2, buy: 8}",
            "mix: {browse: 2, by: 8, buy: 1}",
            f"load[1].mix.by: got 'by', expected one of {', '.join(OPERATIONS)} (did you mean buy?) (line 10)",
            id="unknown operation in the mix",
        ),
        pytest.param(
            "mix: {browse: 2, buy: 8}",
            "mix: {browse: 2, buy: 8.5}",
            "load[1].mix.buy: got 8.5, expected a whole number (line 10)",
            id="half a weight",
        ),
        pytest.param("drill: 3", "drill: 7", "drill: got 7, expected at most 6 (line 2)", id="seventh drill"),
        pytest.param(
            "drill: 3", 'drill: "3"', "drill: got '3', expected a whole number (line 2)", id="a quoted number"
        ),
        pytest.param(
            "drill: 3", "drill: true", "drill: got True, expected a whole number (line 2)", id="a truth value"
        ),
        pytest.param("title: Small", "title: 5", "title: got 5, expected text (line 1)", id="a number as text"),
        pytest.param("title: Small", "title: ''", "title: got '', expected some text (line 1)", id="no title"),
        pytest.param("title: Small\n", "", "title: got nothing, expected this key (line 1)", id="a key is missing"),
        pytest.param(
            "seed: 7",
            f"seed: {'9' * 5000}",
            "seed: got a number of 5000 digits, expected at most 30 (line 4)",
            id="more digits than Python reads",
        ),
        pytest.param(
            "seed: 7",
            f"seed: {2**31}",
            "seed: got 2147483648, expected at most 2147483647 (line 4)",
            id="seed too large",
        ),
        pytest.param("seed: 7", "seed: .inf", "seed: got inf, expected a whole number (line 4)", id="infinite seed"),
        pytest.param(
            "seed: 7",
            "seed: !!python/object/apply:os.system [date]",
            "seed: got the tag 'tag:yaml.org,2002:python/object/apply:os.system', expected plain YAML (line 4)",
            id="a tag that runs code",
        ),
        pytest.param(
            "seed: 7",
            "seed: 7\nseed: 8",
            "seed: got the key a second time (line 5, column 1), expected it once (line 4)",
            id="duplicate key",
        ),
        pytest.param(
            "latency: 300ms",
            "latency: 300ms, on: worker",
            "faults[0].on: got the key a second time (line 13, column 60), expected it once (line 13)",
            id="duplicate key inside",
        ),
        pytest.param(
            "seed: 7",
            "seed: 7\n? [a, b]\n: 1",
            "(top): got a list or a mapping as a key (line 5, column 3), expected a word (line 1)",
            id="a list as a key",
        ),
        pytest.param(
            "load:\n",
            "load: []\nlode:\n",
            f"lode: got an unknown key, expected one of {TOP} (did you mean load?) (line 9)",
            id="an unknown list",
        ),
    ],
)
def test_one_mistake_one_sentence(old: str, new: str, sentence: str) -> None:
    found = problems(bent((old, new)))
    if old == "load:\n":  # leaves the load empty as well
        assert found == ["load: got [], expected at least one entry (line 8)", sentence]
    else:
        assert found == [sentence]


def test_no_checks_is_refused_because_it_could_only_pass() -> None:
    start, end = GOOD.index("checks:"), GOOD.index("guardrails:")
    without_proves = GOOD[: GOOD.index("proves:")]
    assert problems(without_proves[:start] + "checks: []\n" + without_proves[end:]) == [
        "checks: got [], expected at least one entry: a scenario without checks could only pass (line 17)"
    ]
    assert problems(without_proves[:start] + without_proves[end:]) == [
        "checks: got nothing, expected this key (line 1)"
    ]


def test_recovery_needs_a_fault() -> None:
    start, end = GOOD.index("faults:"), GOOD.index("steady_state:")
    assert problems(GOOD[:start] + GOOD[end:]) == [
        "checks[2]: got recovers_within without any fault, expected a fault to recover from (line 17)"
    ]


def test_a_fault_is_not_lifted_by_the_end_of_an_equal_one() -> None:
    second = "  - {inject: latency, on: shop_to_gateway, latency: 90ms, from: spike+5s, for: 6s}\nsteady_state:"
    assert problems(bent(("steady_state:", second))) == [
        "faults[2]: got latency on shop_to_gateway while 1-latency-shop_to_gateway lasts, expected one (line 15)"
    ]
    later = second.replace("spike+5s", "spike+8s")
    assert parse_scenario(bent(("steady_state:", later)), name="own/small", where=WHERE).faults[2].params.lasts_s == 6.0


def test_every_problem_of_a_file_is_told_at_once() -> None:
    text = bent(
        ("settle: 20s", "settel: 20s"),
        ("blast_radius: [shop_to_gateway, worker]", "blast_radius: [shop_to_gateway]"),
        ("drill: 3", "drill: 9\ndrill: 3"),
        ("latency: 300ms", "latency: 300"),
        ("arrivals: 12/s -> 50/s", "arrivals: 50"),
        ("{invariant: no_oversell}", "{invariant: no_oversel}"),
        ("op: buy, at_least: 95%", "op: login, at_least: 95%"),
        ("below: 5%, during: 10s", "below: 5%"),
        ("phase: spike, op", "phase: spiek, op"),
    )
    assert problems(text) == [
        "drill: got the key a second time (line 3, column 1), expected it once (line 2)",
        "drill: got 9, expected at most 6 (line 2)",
        f"settel: got an unknown key, expected one of {TOP} (did you mean settle?) (line 8)",
        "load[1].arrivals: got 50, expected a rate with its unit, such as 20/s (line 11)",
        f"faults[0].latency: got 300, {A_DURATION} (line 14)",
        "faults[1].on: got 'worker', expected a target inside the blast radius (shop_to_gateway) (line 15)",
        f"checks[0]: got 'no_oversel', expected one of {INVARIANTS} (did you mean no_oversell?) (line 19)",
        "checks[1].phase: got 'spiek', expected one of after, calm, spike (did you mean spike?) (line 20)",
        "guardrails[0].during: got nothing, expected this key (line 23)",
    ]


def test_what_was_taken_out_causes_no_complaint_of_its_own() -> None:
    # The only fault and a check of `proves` are unusable: neither is missed by the checks that refer to them.
    text = bent(
        ("{inject: latency, on: shop_to_gateway, latency: 300ms, from: spike+2s, for: 6s}", "{inject: latncy}"),
        ("  - {inject: kill, on: worker, when: charge_in_flight, after: spike+3s}\n", ""),
        ("{invariant: no_oversell}", "{invariant: [no_oversell]}"),
    )
    assert problems(text) == [
        f"faults[0]: got 'latncy', expected one of {FAULTS} (did you mean latency?) (line 13)",
        f"checks[0]: got ['no_oversell'], expected one of {INVARIANTS} (did you mean no_oversell?) (line 17)",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("", "got an empty file, expected a scenario", id="empty"),
        pytest.param("# nothing\n", "got an empty file, expected a scenario", id="only a comment"),
        pytest.param("- a\n", "(top): got list, expected a mapping (line 1)", id="a list"),
        pytest.param("42\n", "(top): got int, expected a mapping (line 1)", id="a number"),
        pytest.param("null\n", "(top): got NoneType, expected a mapping (line 1)", id="null"),
        pytest.param("[" * 5000, "got lists or mappings nested without end, expected a scenario", id="nested, open"),
        pytest.param(
            "[" * 3000 + "]" * 3000, "got lists or mappings nested without end, expected a scenario", id="nested"
        ),
        pytest.param(
            'title: "\0"\n',
            'got unacceptable character #x0000: special characters are not allowed in "<unicode string>",'
            " position 8, expected YAML",
            id="a NUL",
        ),
        pytest.param(
            "load: [}\n",
            "line 1, column 8: got YAML that can't be read: while parsing a flow node,"
            " expected the node content, but found '}'",
            id="syntax",
        ),
        pytest.param(
            "title: a\n\tdrill: 3\n",
            "line 2, column 1: got YAML that can't be read: while scanning for the next token,"
            r" found character '\t' that cannot start any token",
            id="a tab",
        ),
        pytest.param(
            "title: *nobody\n",
            "line 1, column 8: got YAML that can't be read: found undefined alias 'nobody'",
            id="an alias of nothing",
        ),
        pytest.param(
            "title: a\n---\ntitle: b\n",
            "line 2, column 1: got YAML that can't be read: expected a single document in the stream,"
            " but found another document",
            id="two documents",
        ),
    ],
)
def test_what_is_no_scenario_at_all(text: str, sentence: str) -> None:
    assert problems(text) == [sentence]


def test_an_alias_inside_what_it_names() -> None:
    assert "title[0]: got an alias inside what it names, expected plain YAML (line 1)" in problems(
        bent(("title: Small", "title: &a [*a]"))
    )


def test_aliases_of_aliases_don_t_fill_the_memory() -> None:
    doublings = "".join(f"k{n + 1}: &k{n + 1} [{', '.join([f'*k{n}'] * 10)}]\n" for n in range(40))
    assert problems("k0: &k0 [x]\n" + doublings) == ["got more than 20000 values, expected a scenario"]


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("title: Stoß\n".encode("latin-1"))
    with pytest.raises(InvalidInput) as caught:
        load_scenario(path)
    assert caught.value.problems == (f"{path}: got bytes that are not UTF-8 at 10, expected text",)


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_scenario(tmp_path)
    assert caught.value.problems == (f"{tmp_path}: got Is a directory, expected a readable file",)
    gone = tmp_path / "gone.yaml"
    with pytest.raises(InvalidInput) as caught:
        load_scenario(gone)
    assert caught.value.problems == (f"{gone}: got No such file or directory, expected a readable file",)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_forbidden_file(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(GOOD)
    path.chmod(0)
    with pytest.raises(InvalidInput) as caught:
        load_scenario(path)
    assert caught.value.problems == (f"{path}: got Permission denied, expected a readable file",)


def test_unknown_scenario_names_those_that_are_there() -> None:
    with pytest.raises(InvalidInput, match=r"^scenario: got 'flash-sail', expected a file or one of .*flash-sale"):
        find_scenario("flash-sail")


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "", ".", ".."])
def test_names_that_no_file_can_have(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^scenario: got "):
        find_scenario(name)


def test_operations_that_end_sessions_need_a_customer_each() -> None:
    assert problems(bent(("{browse: 2, buy: 8}", "{browse: 2, buy: 8, refresh: 1}"))) == [
        "world.customers: got 200, expected at least 733: refresh end sessions (line 5)"
    ]


def test_a_bad_access_matrix_is_refused_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaos.load.CHECKOUT", tmp_path)
    table = tmp_path / access.TABLE
    table.parent.mkdir(parents=True)
    table.write_text(TABLE.replace("| GET |", "| FETCH |", 1))
    text = bent(("{browse: 2, buy: 8}", "{browse: 2, buy: 8, matrix: 1}"), ("customers: 200", "customers: 5000"))
    (problem,) = problems(text)
    assert problem.startswith(f"load: {access.TABLE}: line ")
    assert "method: got 'FETCH', expected one of GET, POST" in problem
    table.unlink()
    assert "got no table, expected the columns" in problems(text)[0]


def test_the_very_file_is_found_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with an ending of its own is never another file's."""
    ours = SCENARIOS / "concurrency" / "flash-sale.yaml"
    monkeypatch.chdir(tmp_path)
    for name in (
        "concurrency/flash-sale", "concurrency/flash-sale.yaml", "scenarios/concurrency/flash-sale.yaml",
        "flash-sale", "flash-sale.yaml",
    ):  # fmt: skip
        assert find_scenario(name) == ours
    for name in ("concurrency/flash-sale.v2", "concurrency/flash-sale.yml", "flash-sale.yml", "interleaving"):
        with pytest.raises(InvalidInput, match="expected a file or one of"):
            find_scenario(name)
    for name in ("mine.v2", "mine.yml", "mine.yaml", "mine"):
        (tmp_path / name).write_text("")
        assert find_scenario(name).resolve() == tmp_path / name
        assert find_scenario(str(tmp_path / name)) == tmp_path / name


def test_a_name_that_two_folders_have_is_refused_with_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    problem = (
        "scenario: got 'refresh-race', which 2 folders have, expected auth/refresh-race or interleaving/refresh-race"
    )
    with pytest.raises(InvalidInput) as caught:
        find_scenario("refresh-race")
    assert caught.value.problems == (problem,)
    (tmp_path / "refresh-race").write_text("")  # a file beside one is what was meant
    assert find_scenario("refresh-race").resolve() == tmp_path / "refresh-race"


def test_a_name_tells_endings_apart(tmp_path: Path) -> None:
    names = {SCENARIOS / "own" / name: f"own/{name}" for name in ("a.v2", "a.yml", "a")}
    assert {path: scenario_name(path) for path in names} == names
    assert scenario_name(SCENARIOS / "own" / "a.v2.yaml") == "own/a.v2"
    assert scenario_name(tmp_path / "mine.yaml") == "mine"
