"""A run that was aborted says so in the headline of every report, beside its verdict, and what to do about it."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from chaos.report import html, junit, markdown, pair
from chaos.report.compare import comparison_table, comparison_text
from chaos.report.words import headline
from tests.unit.chaos.report.conftest import changed

ADVICE = "Let the next run end by itself."


@pytest.fixture(params=["inconclusive", "violated"])
def aborted(request, shown):
    """Whatever its verdict is."""
    more = {"verdict": request.param, "aborted": "user", "advice": ADVICE, "summary": "It was aborted by user."}
    return replace(shown, document=changed(shown.document, **more))


def table(document):
    out = StringIO()
    Console(file=out, width=160).print(comparison_table([document]))
    return out.getvalue()


def test_every_headline_says_it(aborted):
    document = aborted.document
    assert headline(document).endswith(f"{document.verdict}, aborted")
    assert markdown.render(aborted).startswith(f"# {headline(document)}: ")
    assert f"<h1>{headline(document)}: " in html.render(aborted)
    assert f"<title>{document.verdict}, aborted: " in html.render(aborted)
    assert 'name="concurrency/flash-sale on naive, aborted"' in junit.render(document)
    assert f"verdict naive: {headline(document)}\n" in comparison_text([document])
    assert headline(document) in table(document)


def test_what_to_do_is_the_root_s_own_advice(aborted):
    for page in (markdown.render(aborted), html.render(aborted), junit.render(aborted.document)):
        assert ADVICE in page
        assert "same seed" not in page


def test_a_run_that_went_to_its_end_says_nothing_of_it(shown):
    for page in (markdown.render(shown), html.render(shown), junit.render(shown.document)):
        assert "abort" not in page


def test_a_comparison_says_it_of_the_one_that_was(aborted, shown):
    both = pair.Pair(before=aborted, after=shown)
    assert headline(aborted.document) in pair.markdown(both)
