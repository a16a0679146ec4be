"""What the questions say: a file for each."""

from kobai.words.en.questions import (
    code,
    comparison,
    dependence,
    descent,
    diagnosis,
    judgement,
    likelihood,
    over_tasks,
    probe,
    range,
    transfer,
    why,
)

WORDS = (
    code.WORDS
    | comparison.WORDS
    | over_tasks.WORDS
    | descent.WORDS
    | diagnosis.WORDS
    | transfer.WORDS
    | probe.WORDS
    | why.WORDS
    | range.WORDS
    | dependence.WORDS
    | likelihood.WORDS
    | judgement.WORDS
)
