"""Finds strangers in a run: strays, foreign processes, and connections that bypass the proxies.

`python -m services.stack watch` looks until its stdin ends. It writes JSON lines: `{"ready": true}`, one
`{"stranger": id, "what": sentence}` for each stranger, and `{"ended": true, "trouble": [...]}`.
"""
