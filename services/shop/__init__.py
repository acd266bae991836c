"""The box office: one API contract, several implementations of it (variants), each a whole Django app beside `core`."""
