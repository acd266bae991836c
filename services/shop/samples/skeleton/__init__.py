"""Back office of the box office."""
