"""Make src/kobai/tasks/data/mnist1d.npz with the package mnist1d (pip install mnist1d; see the README there).

The package draws from NumPy's RandomState, whose stream never changes: the numbers are the same everywhere.
"""

from pathlib import Path

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

data = make_dataset(get_dataset_args())
path = Path(__file__).parents[1] / "src/kobai/tasks/data/mnist1d.npz"
np.savez_compressed(
    path,
    curves=np.concatenate([data["x"], data["x_test"]]).astype(np.float16),
    labels=np.concatenate([data["y"], data["y_test"]]).astype(np.uint8),
)
