"""Drill 6: notes on a sample, and how they are graded. Pure, but for reading the list of CWE."""
