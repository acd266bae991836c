"""The payment provider of the lab: takes charges, keeps a ledger, and misbehaves on request."""
