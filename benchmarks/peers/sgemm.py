"""The roofline: only the five matrix products of a training step, by the sgemm that numpy brings."""

import numpy as np
import work

given = work.arguments()
runs = 4 * max(1, 512 // given.hidden)  # enough of the small ones to be timed
batch, inputs, hidden, outputs = work.BATCH, work.INPUTS, given.hidden, work.OUTPUTS
random = np.random.default_rng(0)
x, W1, a, W2, δ2, δ1 = (
    random.standard_normal(shape, np.float32)
    for shape in (
        (batch, inputs),
        (inputs, hidden),
        (batch, hidden),
        (hidden, outputs),
        (batch, outputs),
        (batch, hidden),
    )
)
z1, z2, g2, d1, g1 = (np.empty_like(array) for array in (δ1, δ2, W2, δ1, W1))


def run() -> dict[str, int]:
    for _ in range(runs * given.steps):
        np.matmul(x, W1, out=z1)
        np.matmul(a, W2, out=z2)
        np.matmul(a.T, δ2, out=g2)
        np.matmul(δ2, W2.T, out=d1)
        np.matmul(x.T, δ1, out=g1)
    return {"runs": runs}


run()
work.serve(run, version=f"numpy {np.__version__}")
