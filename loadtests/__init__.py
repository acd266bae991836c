"""The load driver: an open-model arrival schedule played by Locust, with a record of every operation.

No other part of the lab imports it; it is started as `python -m loadtests PLAN.json`.
"""
