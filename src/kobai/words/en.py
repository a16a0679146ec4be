"""English."""

WORDS = {
    # mistakes
    "error.language": "language '{value}' is not known; choose one of: {known}",
    "error.unknown": "there is no {kind} '{value}'; choose one of: {known}",
    "error.unknown.near": "there is no {kind} '{value}'; did you mean '{near}'?",
    "error.range": "{owner}: {name} must be {rule}, got {value}",
    "rule.rate": "a finite number of at least 0",
    "rule.decay": "a number in [0, 1)",
    "rule.epsilon": "a finite number of at least 0",
    "kind.optimizer": "optimizer",
    "kind.initializer": "initializer",
    "kind.task": "task",
    "kind.field": "field",
    "kind.activation": "activation",
    "kind.command": "command",
    "kind.option": "option",
    # initial values
    # statistics
}
