"""The start and end of every program of the lab: a clean environment, this checkout's code, and a clear last message.

Standard library only, since it has to work with a broken installation. Every package may import it; it imports none.
"""
