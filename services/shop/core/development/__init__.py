"""`python -m services.shop.serve develop PORT`: a variant in Django's development server, with Django Debug Toolbar.

A run loads nothing of this package: it has settings, a database and a process of its own, and Django Debug Toolbar is
installed for development only.
"""
