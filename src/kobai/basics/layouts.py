"""How weights lie in an array: which of its axes counts the inputs, and which the outputs."""

LAYOUTS = {
    "in_out": (-2, -1),
    "out_in": (1, 0),
    "in_out_kernel": (0, 1),
    "kernel_out_in": (-1, -2),
}
"""(axis of the inputs, axis of the outputs); the others are a kernel's positions.

    in_out          (*kernel, in, out)    Flax, Keras, and plain x @ w
    out_in          (out, in, *kernel)    Equinox, PyTorch
    in_out_kernel   (in, out, *kernel)    transposed convolutions of PyTorch
    kernel_out_in   (*kernel, out, in)    transposed convolutions of Keras
"""
