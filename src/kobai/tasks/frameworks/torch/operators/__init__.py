"""What each operator of torch's is in JAX, by subject; importing this fills the table.

table           how an operator is entered
pointwise       arithmetic, comparisons, activations
shapes          views, joining, indexing, padding
creation        constants of a shape
reductions      sums, extrema, norms, softmax, sorting
products        linear layers, matrices, attention, embeddings
convolutions    convolutions, either way
pooling         pooling, resizing
normalization   of batches, layers, groups
recurrent       LSTM, GRU, Elman
randomness      dropout, random numbers
losses          those of torch.nn
"""

from kobai.tasks.frameworks.torch.operators import (
    convolutions,
    creation,
    losses,
    normalization,
    pointwise,
    pooling,
    products,
    randomness,
    recurrent,
    reductions,
    shapes,
)
from kobai.tasks.frameworks.torch.operators.table import OPERATORS

__all__ = [
    "OPERATORS",
    "convolutions",
    "creation",
    "losses",
    "normalization",
    "pointwise",
    "pooling",
    "products",
    "randomness",
    "recurrent",
    "reductions",
    "shapes",
]
