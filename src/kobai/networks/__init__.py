"""Networks: their layers, recurrent cells, and the networks of the built-in tasks.

`network` says what a network is; `layers` and `recurrent` are its parts, written out as formulas; `mlp`,
`cnn` and `rnn` put them together.
"""

from kobai.networks import cnn, layers, mlp, network, recurrent, rnn

__all__ = ["cnn", "layers", "mlp", "network", "recurrent", "rnn"]
