"""What the parts of the engine hand to each other: specs, history, findings. No I/O."""
