"""Firedrill's scenario engine: scripts load and faults, and judges what came of it."""
