"""The power table, whole."""

from __future__ import annotations

from chaos.report.power import PowerRow, markdown, text

ONE = PowerRow(
    subject="check_then_act", title="Checked | taken", drill=3, scenario="concurrency/flash-sale", check="no_oversell",
    named="9/10", missed=1, undecided=0, others={"sells_out": 2}, repeated=11, dates=("2026-11-23", "2026-11-24"),
    revisions=("abc", "def"), stale=True, sign="✔",
)  # fmt: skip
HARDENED = PowerRow(
    subject="hardened", title="", drill=3, scenario="concurrency/flash-sale", check="", named="10/10", missed=0,
    undecided=0, others={}, repeated=10, dates=("2026-11-24", "2026-11-24"), revisions=("abc",), stale=False, sign="✔",
)  # fmt: skip


def test_markdown() -> None:
    page = markdown([ONE, HARDENED], written="2026-11-24")
    assert page.startswith("# Power: what the checks detect\n")
    assert page.endswith(
        """\
Written 2026-11-24.

## Mutants

|  | mutant | drill | scenario | caught by | caught | missed | undecided | others violated | tries | measured | revision |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| ✔ ≠ | `check_then_act`: Checked \\| taken | 3 | concurrency/flash-sale | `no_oversell` | 9/10 | 1 | 0 | sells_out 2 | 11 | 2026-11-23 to 2026-11-24 | abc, def |

## False alarms of `hardened`

|  | scenario | held | accused | undecided | of what | tries | measured | revision |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| ✔ | concurrency/flash-sale | 10/10 | 0 | 0 | – | 10 | 2026-11-24 | abc |
"""  # noqa: E501
    )


def test_text() -> None:
    assert text([ONE, HARDENED]) == (
        "✔ ≠  check_then_act  concurrency/flash-sale  no_oversell  "
        "caught 9/10, missed 1, undecided 0 (violated besides: sells_out 2)\n"
        "✔    hardened        concurrency/flash-sale  must hold    held 10/10, accused 0, undecided 0\n"
    )
