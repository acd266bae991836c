"""One run, in a straight line: prepare, load and faults, heal, settle, collect."""
