"""Forced interleavings of two actors: the gate holds one of them while the other one goes on.

See docs/learn/interleaving.md.

`schedules` tries the schedules of any pair of actors; `scenes` has the pairs; `actors` has the kinds of actor; `client`
sends requests and writes them into the history.
"""
