"""A cell: one training that is asked for."""

import dataclasses

from kobai.engine import spelling as spellings
from kobai.engine.spelling import Spelling
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer, parse
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer


@dataclasses.dataclass(frozen=True)
class Cell:
    """One training run: an optimizer (or a minimizer), an initializer, a seed and a strategy.

    A cell is sent to another process by its spelling::

        Cell.of(json.loads(json.dumps(cell.spelling()))) == cell
    """

    optimizer: Optimizer | Minimizer
    initializer: Initializer
    seed: int
    strategy: Strategy = Strategy()

    def spelling(self) -> Spelling:
        """This cell as a plain value. Raises `UsageError` for a part that is not one of kobai's own."""
        return {
            "optimizer": spellings.spell_method(self.optimizer),
            "initializer": spellings.spell_initializer(self.initializer),
            "seed": int(self.seed),
            "strategy": spellings.spell_strategy(self.strategy),
        }

    @classmethod
    def of(cls, spelling: Spelling) -> "Cell":
        """The cell that is spelled so."""
        return cls(
            spellings.read_method(spelling["optimizer"]),
            parse(spelling["initializer"]),
            spelling["seed"],
            spellings.read_strategy(spelling["strategy"]),
        )
