"""A box office: events, orders, payments, tickets."""
