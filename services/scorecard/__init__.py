"""The scorecard: drills, indexed runs and the learner's scores. An API with an admin, on a database of its own."""
