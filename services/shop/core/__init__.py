"""Code that all variants share: base settings, metrics, health, the seeded world, and the processes that serve one."""
