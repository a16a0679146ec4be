"""`long_term_dependence`: long-term dependence in a recurrent network."""

WORDS: dict[str, str] = {
    "error.dependence.radius": "long_term_dependence: a spectral radius must be a finite number of at least 0, got {value}",
    "dependence.title": "‖∂h_T/∂h_t‖ of {cell} ({activation}, {nodes:node|nodes}) over {length:step|steps}",
    "dependence.steps_back": "steps back",
    "dependence.note": "ρ: spectral radius; far below 1 the gradient vanishes, far above it explodes",
    "report.norms.title": "How the gradient shrinks or grows through time",
    "report.norms.caption": "The norm of the derivative of the last state by the state so many steps earlier, on a logarithmic axis; one line for each spectral radius ρ.",
}
