"""The pages in which a run is watched and scores are recorded.

Reads stack.json, Prometheus, the scorecard and evidence/; writes scores, nothing else.
"""
