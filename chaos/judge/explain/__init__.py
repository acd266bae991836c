"""Looks up what the counterexamples of a judgement point at, offline, in the evidence folder."""

from chaos.judge.explain.asked import MOST_OPERATIONS
from chaos.judge.explain.moments import MOST_MOMENTS, readable
from chaos.judge.explain.whole import explain

__all__ = ["MOST_MOMENTS", "MOST_OPERATIONS", "explain", "readable"]
