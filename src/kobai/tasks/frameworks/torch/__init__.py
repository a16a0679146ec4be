"""Modules of PyTorch as networks, and back.

network      `network_of`: a module as a `Network`; `trained`, `state_dict`: trained arrays as torch has them
export       a module's graphs, as torch.export traces them
interpreter  a graph, run with JAX
memory       names, views and writing: what a tensor is while a graph runs
operators    what each operator is in JAX, by subject
optimizers   `optimizer_of`: an update rule as an optimizer of torch's
roles        what each parameter is, by the modules that hold them
tensors      torch's tensors as arrays, and back

Importing this imports torch.
"""

from kobai.tasks.frameworks.torch.network import network_of, own_values, state_dict, trained, values
from kobai.tasks.frameworks.torch.optimizers import optimizer_of
from kobai.tasks.frameworks.torch.roles import roles

__all__ = ["network_of", "optimizer_of", "own_values", "roles", "state_dict", "trained", "values"]
