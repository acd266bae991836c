"""What a learner asks for: a run with its verdict, the lab's self-test, an attempt of one's own."""
