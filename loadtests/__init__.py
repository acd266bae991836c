"""The load driver: an open-model arrival schedule played by Locust, with a record of every operation.

Nothing here is imported by another part of the lab; `python -m loadtests PLAN.json` is the only door.
"""
