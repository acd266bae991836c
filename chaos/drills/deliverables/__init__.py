"""What each drill asks to be handed in: a module a drill, and the ZIP around it (`deliver`)."""
