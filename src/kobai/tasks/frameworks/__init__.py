"""Models of other frameworks as networks, and data in any form as examples: `kobai.Task.of`.

of           a task of a model and data
models       which framework a model is of, and its network
torch        PyTorch                        equinox, functions   Equinox; two functions
keras        Keras 3                        nnx, linen           both forms of Flax
layers       what an array of a layer is    calls                how a model is called, and what that changes
data         examples of data in any form, and their parts
arrays, loaders   arrays of any library; datasets and loaders of PyTorch
losses       the loss and the metric that fit the labels, or that are named
"""
