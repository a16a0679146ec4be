"""What the questions say: a file for each."""

from kobai.words.en.questions import comparison, descent, likelihood, memory, probe, transfer

WORDS = comparison.WORDS | descent.WORDS | transfer.WORDS | probe.WORDS | memory.WORDS | likelihood.WORDS
