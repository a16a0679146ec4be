"""What the questions say: a file for each."""

from kobai.words.en.questions import (
    code,
    comparison,
    dependence,
    descent,
    judgement,
    likelihood,
    over_tasks,
    probe,
    range,
    transfer,
)

WORDS = (
    code.WORDS
    | comparison.WORDS
    | over_tasks.WORDS
    | descent.WORDS
    | transfer.WORDS
    | probe.WORDS
    | range.WORDS
    | dependence.WORDS
    | likelihood.WORDS
    | judgement.WORDS
)
