"""What is done beside the update rule, in the compiled program; each part in a file of its own.

    penalty      L1 and L2 in the loss
    clip         a gradient that is too long is cut
    schedule     the learning rate of each step
    decay        weights decay beside the step
    average      means of the iterates
    stopping     the end, and the best weights back

`PARTS` is the table of them, in the order in which they act; `Parts` holds those that a program needs.
"""

from kobai.engine.parts.part import End, Field, Part, RuleStep
from kobai.engine.parts.parts import PARTS, Parts, check_steps, fields_of

__all__ = ["PARTS", "End", "Field", "Part", "Parts", "RuleStep", "check_steps", "fields_of"]
