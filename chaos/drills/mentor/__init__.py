"""What a mentor does with a deliverable: open it with suspicion, read it, run it again, sign it."""
