"""Convolutions and windowed maxima inside a loop of a CPU: a traced program, rewritten before it is compiled.

XLA lays a convolution out for its fast kernel in the entry computation alone. All of a training lies in the
body of a loop, where what differentiation makes of a convolution would take the slow path.
"""

from kobai.engine.convolutions.rewriting import lowered, prepared

__all__ = ["lowered", "prepared"]
