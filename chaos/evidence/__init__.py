"""The only reader and the only writer of a run's folder, whether it is finished or still growing."""
