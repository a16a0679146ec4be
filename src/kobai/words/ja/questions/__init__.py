"""What the questions say: a file for each."""

from kobai.words.ja.questions import comparison, dependence, descent, likelihood, probe, transfer

WORDS = comparison.WORDS | descent.WORDS | transfer.WORDS | probe.WORDS | dependence.WORDS | likelihood.WORDS
