"""What the questions say: a file for each."""

from kobai.words.ja.questions import code, comparison, dependence, descent, likelihood, probe, transfer

WORDS = (
    code.WORDS
    | comparison.WORDS
    | descent.WORDS
    | transfer.WORDS
    | probe.WORDS
    | dependence.WORDS
    | likelihood.WORDS
)
