"""A process of the stack that outlives the runner: heals when the runner's lease runs out, and exports queue depths."""
