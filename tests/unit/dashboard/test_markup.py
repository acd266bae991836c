from __future__ import annotations

from dashboard import markup
from dashboard.markup import Cell
from dashboard.words import Sign, status_sign, verdict_sign

EVIL = '<img src=x onerror="alert(1)">'


def test_a_status_keeps_its_sign_as_text_beside_the_drawn_one() -> None:
    html = markup.sign(status_sign(1))
    assert "🟡" in html
    assert "Needs guided practice" in html
    assert "fd-dot fd-warn" in html


def test_a_verdict_is_its_mark_and_word() -> None:
    assert markup.sign(verdict_sign("violated")) == '<span class="fd-sign fd-bad">■ violated</span>'


def test_everything_from_outside_is_escaped() -> None:
    html = "".join([
        markup.sign(Sign("●", EVIL, "good")),
        markup.strip([(EVIL, Sign("●", "x", "good"))], label=EVIL),
        markup.table([Cell(html="h")], [[Cell(html="c")]], label=EVIL),
        markup.link("live", EVIL, run=EVIL),
        markup.card(EVIL, EVIL, [(EVIL, "fine")]),
    ])  # fmt: skip
    assert "<img" not in html


def test_a_link_asks_for_what_it_names() -> None:
    assert markup.link("live", "go", run="a b&c") == '<a href="live?run=a%20b%26c" target="_self">go</a>'


def test_a_table_marks_what_a_phone_leaves_out() -> None:
    html = markup.table(
        [Cell(html="A"), Cell(html="B", wide_only=True)], [[Cell(html="1"), Cell(html="2", wide_only=True)]], label="t"
    )
    assert html.count('class="fd-wide"') == 2


def test_a_banner_is_hot_only_while_something_is_broken() -> None:
    assert "fd-hot" not in markup.banner(["x"])
    assert "fd-hot" in markup.banner(["x"], hot=True)


def test_words_stay_whole_and_what_is_no_word_may_break() -> None:
    order = "6f1c1d0a-2b1f-4c55-9f0e-7a1f0a2b3c4d"
    html = markup.table([Cell(html="h")], [[Cell(html=f"no evidence of <b>{order}</b>")]], label="t")
    assert f'no evidence of <b><span class="fd-long">{order}</span></b>' in html
    assert ".fd-table td{padding:.4rem .6rem .4rem 0;" in markup.STYLE
    cells = markup.STYLE.split(".fd-table th,.fd-table td{")[1].split("}")[0]
    assert "anywhere" not in cells, "a column as narrow as it can be would break each word"


def test_the_name_of_a_check_breaks_between_its_words_only() -> None:
    html = markup.table([Cell(html="h")], [[Cell(html=markup.name("charged_exactly_once"))]], label="t")
    assert "charged_<wbr>exactly_<wbr>once" in html
    assert "fd-long" not in html
