"""The built-in tasks and their networks, maximum likelihood, transfer."""

WORDS = {
    # networks and tasks
    "kind.cell": "recurrent cell",
    "kind.model": "model",
    "kind.batch_norm": "place for batch normalization",
    "task.digits-cnn": "the same digits by convolution; accuracy",
    "task.mnist1d": "MNIST-1D, 10 classes of curves of 40 points; accuracy",
    "task.adding": "add two marked numbers of a long sequence, by a recurrent network; squared error",
    "task.copy": "say symbols again after a delay, by a recurrent network; accuracy",
    "error.task.settings": "task {task}: options in its name must look like {task}:name=value,name=value, got '{value}'",
    "error.recurrent.hidden": "a recurrent network has one hidden layer; "
    "hidden must be one whole number, got {value}",
    "error.recurrent.batch_norm": "batch_norm must be off for a recurrent network, got {value}; "
    "its statistics would differ from position to position",
    "error.mnist1d.logistic": "the logistic model has no hidden layer, got hidden {value}; "
    "leave it out or choose the model mlp",
    "error.adding.length": "adding: length must be a whole number of at least 2, got {value}",
    "error.copy.length": "copy: length must be a whole number of at least 0, got {value}",
    "error.copy.symbols": "copy: symbols must be a whole number of at least 2, got {value}",
    # long-term dependence
    "error.memory.radius": "memory: a spectral radius must be a finite number of at least 0, got {value}",
    "memory.title": "‖∂h_T/∂h_t‖ of {cell} ({activation}, {nodes} nodes) over {length} steps",
    "memory.steps_back": "steps back",
    "memory.note": "ρ: spectral radius; far below 1 the gradient vanishes, far above it explodes",
}
