"""Firedrill's scenario engine: it runs load and faults by a script, and judges the result."""
