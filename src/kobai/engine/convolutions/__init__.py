"""What is slow inside a loop of a CPU, such as convolutions: rewritten in a program before it is compiled.

XLA lays a convolution out for its fast kernel in the entry computation alone. All of a training lies in the
body of a loop, where what differentiation makes of a convolution would take the slow path. Windowed maxima
and the gradients of wide layers have faster forms, too.
"""

from kobai.engine.convolutions.rewriting import lowered, prepared

__all__ = ["lowered", "prepared"]
