"""Provision, start, switch and stop the servers of the lab as local processes.

Run as `python -m services.stack <command>`; with `--json` every command writes one JSON document to stdout.
"""
