"""`memory`: long-term dependence in a recurrent network."""

WORDS: dict[str, str] = {
    "error.memory.radius": "memory: a spectral radius must be a finite number of at least 0, got {value}",
    "memory.title": "‖∂h_T/∂h_t‖ of {cell} ({activation}, {nodes} nodes) over {length} steps",
    "memory.steps_back": "steps back",
    "memory.note": "ρ: spectral radius; far below 1 the gradient vanishes, far above it explodes",
}
