"""Stabilizers, strategies and schedules; the tasks that show them."""

WORDS: dict[str, str] = {
    # optimizers
    "optimizer.adamw": "Adam with the weights shrunk beside the step",
    "optimizer.lion": "steps of one length: only the sign of a momentum counts",
    "error.decay.params": "weight decay shrinks the parameters, and update was given none; "
    "call update(gradient, state, params)",
    # stabilizers and schedules
    "kind.stabilizer": "stabilizer",
    "kind.schedule": "schedule",
    "kind.clip": "clipping",
    "kind.average": "average",
    "kind.early_stopping": "early stopping",
    "rule.positive": "a finite number above 0",
    "rule.percent": "a number above 0 and at most 100",
    "rule.count": "a whole number of at least 1",
    "rule.fraction": "a number between 0 and 1",
    "rule.inside": "a number above 0 and below 1",
    "error.spelling": "{kind} '{value}' cannot be read; write {forms}",
    "error.schedule": "the schedule {name} must give one factor of at least 0 for each step, got {value}",
    "stabilizer.clip_value": "every entry of a gradient within a bound (--clip value:0.5)",
    "stabilizer.clip_norm": "the norm of a gradient within a bound (--clip norm:1)",
    "stabilizer.clip_percentile": "the norm within a percentile of the first norms (--clip percentile:90)",
    "stabilizer.polyak": "the mean of the iterates from a step on (--average polyak:100)",
    "stabilizer.exponential": "a mean that forgets old iterates (--average exponential:0.99)",
    "stabilizer.l1": "the loss grows with |w|: needless weights become 0 (--l1 0.0001)",
    "stabilizer.l2": "the loss grows with w²: all weights stay smaller (--l2 0.0001)",
    "stabilizer.weight_decay": "weights shrunk beside the step (--weight-decay 0.0001)",
    "stabilizer.early_stopping": "the end when nothing improves, best weights back (--early-stopping patience:10)",
    "schedule.constant": "the same learning rate throughout (--schedule constant)",
    "schedule.step": "a fall by a factor every so many steps (--schedule step:100:0.5)",
    "schedule.cosine": "half a cosine down to 0 (--schedule cosine)",
    "schedule.warm_up": "a straight line up at the start (--schedule warm-up:50, warm-up:50+cosine)",
    "schedule.one_cycle": "up for a third of the run, down for the rest (--schedule one-cycle)",
}
