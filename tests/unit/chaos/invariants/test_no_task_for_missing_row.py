import msgspec
import pytest

from chaos.model.verdict import Verdict
from tests.unit.chaos.invariants.conftest import T0_UNIX_S


def test_a_task_that_calls_the_gateway_is_held(world):
    order = world.bought("a")
    world.message(order, 0.1, 0.2, 0.4)
    world.call(order, 0.3)
    finding = world.judge("no_task_for_missing_row")
    assert (finding.verdict, finding.figures["messages"]) == (Verdict.HELD, 1)


def test_a_task_that_failed_and_was_retried_before_any_call_is_violated(world):
    """Naive: the order is not committed, the task raises DoesNotExist and is retried."""
    order = world.bought("a")
    world.message(order, 0.0, 0.01, 0.0, task_id="t")
    world.message(order, 0.02, 0.03, 1.0, task_id="t", retries=1)
    world.call(order, 1.1)
    finding = world.judge("no_task_for_missing_row")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, (order,))


def test_a_task_that_found_nothing_and_was_swept_up_later_is_violated(world):
    order = world.bought("a")
    world.message(order, 0.0, 0.01, 0.02)
    world.message(order, 3.0, 3.01, 3.2)
    world.call(order, 3.1)
    assert world.judge("no_task_for_missing_row").verdict is Verdict.VIOLATED


def test_a_task_for_an_order_that_never_came_to_be_is_violated(world):
    """The transaction was rolled back after the message had gone out."""
    order = world.bought("a")
    world.message(order, 0.1, 0.2, 0.4)
    world.call(order, 0.3)
    world.message("nobody", 0.1, 0.2, 0.3)
    finding = world.judge("no_task_for_missing_row")
    assert (finding.verdict, finding.reason) == (Verdict.VIOLATED, "1 tasks ran for orders that do not exist")


def test_what_looks_similar_is_held(world):
    waited, died, twice, slow = (world.bought(key) for key in "abcd")
    world.message(waited, 0.0, 4.0, 4.2)  # a long queue: swept before it was taken
    world.message(waited, 3.0, 4.3, 4.4)
    world.call(waited, 4.1)
    world.message(died, 0.0, 0.1, None)  # the worker died holding it
    world.message(died, 3.0, 3.1, 3.3)
    world.call(died, 3.2)
    world.message(twice, 0.0, 0.1, 0.3, task_id="t")  # a retry after the gateway was called
    world.message(twice, 0.25, 0.3, 1.0, task_id="t", retries=1)
    world.call(twice, 0.2, status=503)
    world.message(slow, 0.0, 0.1, 0.2)  # somebody else's task
    world.message(slow, 0.3, 0.4, 0.6, task="shop.send_mail")
    world.call(slow, 0.5)
    assert world.judge("no_task_for_missing_row").verdict is Verdict.HELD


def test_without_messages_or_settling_it_is_inconclusive(world):
    order = world.bought("a")
    assert world.judge("no_task_for_missing_row").verdict is Verdict.INCONCLUSIVE
    world.message(order, 0.1, 0.2, 0.4)
    world.call(order, 0.3)
    assert world.judge("no_task_for_missing_row", task="shop.other").verdict is Verdict.INCONCLUSIVE
    world.state.settled = False
    assert world.judge("no_task_for_missing_row").verdict is Verdict.INCONCLUSIVE


def test_the_record_survives_json(world):
    world.message("o", 0.1, None, None)
    [message] = world.state.broker_messages
    assert msgspec.json.decode(msgspec.json.encode(message), type=type(message)) == message


def test_a_message_before_the_commit_is_violated_however_long_it_waits(world):
    """With a countdown: the task runs two seconds later and finds its order."""
    order = world.bought("a")
    world.state.commits = [msgspec.structs.replace(c, committed_unix_s=T0_UNIX_S + 0.15) for c in world.state.commits]
    world.message(order, 0.1, 0.2, 2.4)
    world.call(order, 2.2)
    finding = world.judge("no_task_for_missing_row")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, (order,))
    says = finding.counterexample.says
    assert says == "its message shop.charge_order was sent 50.0 ms before the order was committed"


def _committed_at(world, at_s):
    at_unix_s = T0_UNIX_S + at_s
    world.state.commits = [msgspec.structs.replace(c, committed_unix_s=at_unix_s) for c in world.state.commits]


@pytest.mark.parametrize(
    "arguments",
    [
        '[["order-a"], {}, {}]',
        '[["ordera"], {}, {}]',  # a UUID's hex
        '[[], {"order": "ORDER-A"}, {}]',
        '[[], {}, {"chain": [{"task": "shop.charge_order", "args": ["order-a"]}]}]',
        '[["reference-a"], {}, {}]',
    ],
)
def test_a_message_under_another_name_is_early_too(world, arguments):
    order = world.bought("a")
    world.state.orders = [msgspec.structs.replace(o, client_key="reference-a") for o in world.state.orders]
    _committed_at(world, 0.15)
    world.message(order, 0.1, 0.11, 0.12, task="shop.charge_soon", arguments=arguments)
    world.message(order, 0.2, 0.21, 0.4)
    world.call(order, 0.3)
    finding = world.judge("no_task_for_missing_row")
    assert (finding.verdict, finding.examples) == (Verdict.VIOLATED, (order,))
    says = finding.counterexample.says
    assert says == "its message shop.charge_soon was sent 50.0 ms before the order was committed"


def test_other_messages_that_look_similar_are_held(world):
    order = world.bought("a")
    world.state.orders = [msgspec.structs.replace(o, client_key="reference-a") for o in world.state.orders]
    _committed_at(world, 0.15)
    world.message("", -0.5, -0.4, -0.3, task="shop.screen", arguments='[["reference-a"], {}, {}]')  # no row yet
    world.message("", 0.1, 0.11, 0.12, task="shop.tidy", arguments="[[], {}, {}]")  # about no order
    world.message("", 0.1, 0.11, 0.12, task="shop.tidy", arguments='[["somebody"], {}, {}]')
    world.message(order, 0.2, 0.21, 0.22, task="shop.send_mail")  # after the commit
    world.message(order, 0.2, 0.21, 0.4)
    world.call(order, 0.3)
    assert world.judge("no_task_for_missing_row").verdict is Verdict.HELD


def test_a_message_in_the_millisecond_of_the_commit_is_not_early(world):
    order = world.bought("a")
    world.state.commits = [msgspec.structs.replace(c, committed_unix_s=T0_UNIX_S + 0.1008) for c in world.state.commits]
    world.message(order, 0.1, 0.2, 0.4)
    world.call(order, 0.3)
    assert world.judge("no_task_for_missing_row").verdict is Verdict.HELD


def test_the_first_commit_of_a_row_counts(world):
    order = world.bought("a")
    world.state.commits.append(msgspec.structs.replace(world.state.commits[0], committed_unix_s=T0_UNIX_S + 9))
    world.message(order, 0.1, 0.2, 0.4)
    world.call(order, 0.3)
    assert world.judge("no_task_for_missing_row").verdict is Verdict.HELD


def test_an_order_without_a_commit_on_record_is_inconclusive(world):
    order = world.bought("a")
    world.state.commits = []
    world.message(order, 0.1, 0.2, 0.4)
    world.call(order, 0.3)
    assert world.judge("no_task_for_missing_row").verdict is Verdict.INCONCLUSIVE
