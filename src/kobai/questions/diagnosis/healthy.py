"""What healthy trainings look like: bounds between them and sick ones, each with the measurement behind it.

Measured by `benchmarks/diagnosis.py`: 42 settings, which are the built-in tasks by five rules at the rate of
kobai's grid that needs the fewest steps to the target, with three fresh seeds each. "Healthy" below is the
range over those 126 trainings (`benchmarks/diagnosis.json`). A bound lies beyond it, or is called a choice:
then it makes no trouble alone, but with others, which did not come together in any of the 42 settings. None
of them is the value of a loss: losses are compared with the start of the same training, or with what the
same training reaches where the labels are shuffled.
"""

CONSTANT = 0.5
"""Share of columns that never vary. Healthy: at most .0625 (4 pixels of the 64 of digits)."""

SIZE = 30.0
"""Largest root mean square of a column, and its inverse. Healthy: .54 to 1.8."""

APART = 30.0
"""Largest spread of a column over the median one. Healthy: at most 1.75."""

OUTNUMBERED = 10.0
"""Examples of the largest class for one of the smallest. Healthy: at most 1.06."""

LEARNED = 0.05
"""Part of the loss without inputs that new examples get rid of. Healthy: at least .49."""

MORE = 0.01
"""How much more of the loss is gone on the training examples than on shuffled ones, where there is something
to learn. Healthy: at least .24."""

BY_HEART = 0.2
"""The same of the training examples: a choice, for it counts with `LEARNED`."""

ALIKE = 0.5
"""Share of a layer's units that begin and end alike. Healthy: at most .04."""

SATURATED = 0.5
"""Share of saturated values of a layer that begins and ends with as many. Healthy: at most 0, for layers that
end with up to .57 begin without any."""

SATURATED_LATER = 0.8
"""The same of a layer that begins with fewer. Healthy: at most .57 at the end."""

DEAD = 0.75
"""Share of a layer's units that are 0 for all examples, at the end. Healthy: at most .56."""

GAIN = 100.0
"""Gradient at the first layer (or step of a sequence) over that at the last, and its inverse. Healthy: .78 to
1.03 for layers (2 or 3 of them), .23 to 1.49 for sequences (of 7 to 40 steps)."""

FITTED = 0.5
"""Part of the loss without inputs that the training examples get rid of: a choice, for it counts with
`SETTLED`, `COSTS` or `GAIN`. Healthy: at least −.14, of one that was thrown up just before its end."""

JUMP = 50.0
"""A gradient over the longest of all before it. Healthy: at most 3.9."""

RISEN = 0.5
"""How far the training loss has risen again from its lowest, of its way down. Healthy: at most .49."""

THROWN = 3.0
"""Highest loss of a batch over the first one: a choice, for it counts with `GONE`. Healthy: up to 6500."""

GONE = 0.1
"""Part of the training loss at the start that is gone at the end. Healthy: at least .50."""

BORNE = 1.5
"""Curvature, as the rule sees it, over what it bears: by formula 1. Healthy trainings go beyond for a time
and are thrown back (Adam and RMSProp in their first steps by far): a choice, for it counts with `RISEN`, or
with `THROWN` and `GONE`."""

LEAP = 1.0
"""Length of an update over that of all parameters, in the first tenth: a choice, as that of `BORNE`. Healthy:
at most 6.5."""

OVERSHOT = 0.6
"""Share of steps that raise the loss of their own batch. Healthy: at most .49."""

AHEAD = 0.05
"""How much of its start the loss still falls farther along the same way. Healthy: at most .01."""

IDLE = 0.5
"""Part of the curvature that the rule bears which is used at the end: a choice, for it counts with
`AHEAD`."""

STEADY = 0.2
"""Share of steps that raise the loss of their own batch, up to which more length can be meant: a choice, for
it counts with `AHEAD` or `AVERAGED`."""

COSTS = 2.0
"""What is left of the loss without inputs, over what is left in the same training without its decay. Healthy,
with an L2 penalty of .001: at most 1.1."""

LAG = 3.0
"""Loss with running statistics over that with a batch's own. Healthy: at most 2.1."""

BENT = 0.1
"""−lowest eigenvalue of the Hessian over the largest, and over the loss, where the loss stands still: a
choice, between the two names of what `STALLED` finds: healthy trainings come by .06 to 1.0."""

STALLED = 0.35
"""Longest share of the steps in which nothing is learned. Healthy: at most .04."""

AVERAGED = 0.2
"""How much lower the loss is at the mean of the last iterates, of its start. Healthy: at most .17."""

FORGOTTEN = 0.6
"""How far the validation loss has risen again from its lowest, of its way down. Healthy: at most .55."""

SETTLED = 0.05
"""How much the training loss still changes in the last quarter, of what is left of it: a choice, for it
counts with `FITTED` and `LEARNED` alone. Healthy: up to 107."""
