import msgspec

from chaos.model.counterexamples import Explained
from chaos.model.interleaving import Said, Schedule
from chaos.report.explain import text
from chaos.report.lanes import Lanes
from tests.unit.chaos.report.samples import OVERSOLD, RACE

EXPECTED = """\
■ no_oversell: 11 of 10 seats taken (tier 1 (gig))
  expected: in every tier, seats ≤ capacity
  10 seats were taken when this order took 1 more

  A  0-1 buy, 1 seat, customer 3, key k1, order o1, through /api/orders/: 202 order pending, after 100 ms
  B  0-2 buy, 2 seats: no answer: timeout

  time line, from 2.000 s of the load on
      +0.0 ms  A  client                   buy: 202 (100.0 ms)
     +20.0 ms  A  database, session 7      SELECT <b> & FROM shop_tickettier (1.0 ms) [/api/orders/]
     +30.0 ms  A  database, session 7      UPDATE shop_tickettier SET sold = 11 (10.0 ms)
    +200.0 ms  A  gateway                  charge c1 captured: 100 cents
    +300.0 ms  B  API log                  ERROR boom Traceback
  … and 4 more, reads first left out (counterexamples.json has the same)
  not known: the run kept no lines of the shop's log
"""


def test_a_counterexample_in_the_terminal():
    assert text(OVERSOLD) == EXPECTED


RACED = """\

  36 lost updates of shop_tickettier 1 in this run; this is the first:
  both read shop_tickettier 1 before either wrote it: C set sold = 1, then D set <b> = 1
  in the code, C and D: read at views.py:79 OrderList.post, written at services.py:47 place_order

  C  0-3 buy: 202 order pending, after 100 ms
  D  0-4 buy: 202 order pending, after 190 ms

  how they raced, from 1.000 s of the load on
      +0.0 ms  C  client                   buy: 202 (100.0 ms)
     +20.0 ms  D  database, session 8      SELECT sold [views.py:79 OrderList.post]
     +40.0 ms  C  database, session 7      UPDATE sold = 1
"""


def test_the_race_stands_before_the_time_line_of_the_finding():
    shown = text(msgspec.structs.replace(OVERSOLD, race=RACE))
    before, after = EXPECTED.split("\n\n  time line", 1)
    assert shown == f"{before}\n{RACED}\n  time line{after}"


def test_a_schedule_is_forced_again_by_a_line_that_can_be_pasted():
    nobody = Said(role="buy", actor="r1")
    forced = Schedule(id="s/w2", section="s", pair=("buy", "buy"), steps=(), a=nobody, b=nobody)
    shown = text(msgspec.structs.replace(OVERSOLD, schedules=(forced,)), run="20261101-x")
    assert "  again, by itself: firedrill force 20261101-x s/w2\n" in shown


def test_nothing_found_is_said():
    nothing = Explained(check="c", says="s", expected="e", measured="m", unknown=("nothing in the record",))
    assert text(nothing) == "■ c: m\n  expected: e\n  s\n  not known: nothing in the record\n"


def test_the_lanes_show_operations_and_what_they_did_until_the_last_answer():
    svg = Lanes(OVERSOLD, 400).svg()
    assert svg.count('class="op"') == 2
    assert svg.count('class="read"') == 1
    assert svg.count('class="write"') == 1  # the charge came after the last answer: it is in the table
    assert "&lt;b&gt; &amp; FROM" in svg


def test_no_operation_no_lanes():
    assert Lanes(Explained(check="c", says="s", expected="e", measured="m"), 400).svg() == ""
