"""What no drill is about: base settings, metrics, health, the seeded world, and the processes that serve a variant."""
