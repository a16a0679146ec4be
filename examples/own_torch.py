"""A network of your own in PyTorch, three rings in the plane: kobai compare examples/own_torch.py"""

import numpy as np
from torch import nn

import kobai

random = np.random.default_rng(0)
x = random.uniform(-1, 1, (900, 2)).astype(np.float32)
y = np.digitize(np.hypot(*x.T), [0.5, 0.8])  # which ring each point is in: 0, 1 or 2
data = (x, y)  # cut at random for training, validation and the test

model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3))
target = 0.9

if __name__ == "__main__":  # python examples/own_torch.py: the answer, and how to go on with it
    result = kobai.compare(model, data, target=target, quick=True)
    print(result)
    model.load_state_dict(result.state_dict())  # as the recommended training has left it
    print(result.optimizer(model.parameters()))
