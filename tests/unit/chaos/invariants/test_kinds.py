import pytest

from chaos.invariants import KINDS
from chaos.judge.exchanged import WITNESS_OF
from chaos.load.models import invariant_model
from chaos.model.evidence import EndState


def test_all_of_drills_3_to_5_are_found():
    assert set(KINDS) >= {
        "accepted_then_settled",
        "access_matrix",
        "allowed_is_allowed",
        "one_child_per_refresh",
        "charged_exactly_once",
        "error_shape",
        "queue_depth",
        "charged_what_it_costs",
        "no_false_refusal",
        "no_lost_orders",
        "no_oversell",
        "no_task_for_missing_row",
        "refund_for_cancelled",
        "same_key_same_order",
        "seats_match_orders",
        "sells_out",
        "served_when_calm",
        "side_effects_once",
        "status_is_current",
        "tickets_exactly_once",
        "told_once",
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_says_what_it_decides_and_reads_known_witnesses(kind):
    assert len(kind.doc) > 60
    assert kind.expected
    of_exchanges = set(WITNESS_OF.values()) if kind.sources else set()
    assert kind.witnesses <= {*EndState.__struct_fields__, "world", *of_exchanges}
    assert kind.requires_ops <= (kind.ops or kind.requires_ops)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_typo_in_a_key_is_refused(kind):
    model = invariant_model(kind)
    assert model.model_validate({"invariant": kind.name}).spec(kind).id == kind.name
    with pytest.raises(ValueError, match="Extra inputs"):
        model.model_validate({"invariant": kind.name, "tolerence": 1})
