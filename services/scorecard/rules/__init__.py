"""What follows from scores, runs and hints: ceiling, overclaim, regression, red flags, radar, trend, level.

Computed nowhere else. Pure: plain facts in, plain answers out; the database, the API, the pages and the exports only
store and show them. The table of cases in tests/unit/services/scorecard/test_rules.py is its specification.
"""

from services.scorecard.rules.facts import (
    DRAFT_PREFIX,
    LEARNER_VARIANT,
    LEAST_SCALE,
    MUTANT_PREFIX,
    OWN_PREFIX,
    ConfirmationFact,
    DrillFacts,
    HintFact,
    RunFact,
    ScoreFact,
    end_of,
    enough_load,
    essential,
)
from services.scorecard.rules.progress import (
    Axis,
    LevelState,
    MonthState,
    average,
    levels,
    radar,
    trend,
    weakest,
)
from services.scorecard.rules.standings import (
    RedFlag,
    Standing,
    left_open,
    proves_itself,
    red_flags,
    standing,
)

__all__ = [
    "DRAFT_PREFIX",
    "LEARNER_VARIANT",
    "LEAST_SCALE",
    "MUTANT_PREFIX",
    "OWN_PREFIX",
    "Axis",
    "ConfirmationFact",
    "DrillFacts",
    "HintFact",
    "LevelState",
    "MonthState",
    "RedFlag",
    "RunFact",
    "ScoreFact",
    "Standing",
    "average",
    "end_of",
    "enough_load",
    "essential",
    "left_open",
    "levels",
    "proves_itself",
    "radar",
    "red_flags",
    "standing",
    "trend",
    "weakest",
]
