"""`learning_rate_range`: which learning rates work for a rule on a task, found by short trainings."""
