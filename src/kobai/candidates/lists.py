"""Several rules under one name, where rules are named: ``--optimizers modern``."""

from kobai.basics.registry import DEFAULT_OPTIMIZERS, OPTIMIZERS

MODERN = tuple(name for name in OPTIMIZERS if name not in (*DEFAULT_OPTIMIZERS, "nesterov_definition"))
"""What has been proposed since Adam."""

LISTS: dict[str, tuple[str, ...]] = {
    "lecture": DEFAULT_OPTIMIZERS,
    "modern": MODERN,
    "all": tuple(OPTIMIZERS),
}
