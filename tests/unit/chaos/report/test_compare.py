import msgspec
import pytest
from rich.console import Console

from chaos.model.verdict import VerdictDocument, plain
from chaos.report.compare import compared, comparison_table, comparison_text
from chaos.report.write import write_reports


@pytest.fixture
def pair(shown):
    naive = shown.document
    hardened = plain(naive) | {"variant": "hardened", "verdict": "inconclusive"}
    for finding in hardened["findings"]:
        finding |= {"verdict": "held", "measured": "fine", "reason": ""}
    hardened["findings"][-1] |= {"verdict": "inconclusive", "reason": "the driver fell behind"}
    del hardened["findings"][1]
    return [naive, msgspec.convert(hardened, VerdictDocument)]


def test_check_by_check(pair):
    rows = {row.check: row for row in compared(pair)}
    assert rows["no_oversell"].expected == "in every tier, seats of live orders and tickets ≤ capacity"
    assert [(side.verdict, side.text) for side in rows["no_oversell"].sides] == [
        ("violated", "312 of 150 seats taken"),
        ("held", "fine"),
    ]


def test_a_check_that_one_run_lacks_is_shown_as_not_checked(pair):
    assert [side.verdict for side in {row.check: row for row in compared(pair)}["sells_out"].sides] == ["held", ""]
    assert "  hardened   – not checked" in comparison_text(pair)


def test_of_the_run_itself_only_what_spoiled_it(pair):
    shown = [row.check for row in compared(pair)]
    assert "self_check:send_lag" in shown
    assert "fault:latency-1" not in shown


def test_plain_lines_for_a_pipe(pair):
    lines = comparison_text(pair).splitlines()
    assert lines[:4] == [
        "Flash sale (seed 7)",
        "no_oversell: in every tier, seats of live orders and tickets ≤ capacity",
        "  naive      ■ violated: 312 of 150 seats taken",
        "  hardened   ● held: fine",
    ]
    assert lines[-2:] == ["verdict naive: ■ violated", "verdict hardened: ▲ inconclusive"]


@pytest.mark.parametrize("width", [80, 160])
def test_the_table_for_a_terminal(pair, width):
    console = Console(width=width, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as captured:
        console.print(comparison_table(pair))
    text = captured.get()
    for word in ("naive", "hardened", "no_oversell", "■ violated", "● held", "▲ inconclusive"):
        assert word in text
    assert max(map(len, text.splitlines())) <= width


def test_square_brackets_are_no_markup(pair):
    with (console := Console(width=200)).capture() as captured:
        console.print(comparison_table(pair[:1]))
    assert "slo:success_ratio[spike,buy]" in captured.get()


def test_both_reports_are_written(tmp_path, shown):
    write_reports(tmp_path, shown)
    assert (tmp_path / "report.md").read_text().startswith("# ■ violated")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
