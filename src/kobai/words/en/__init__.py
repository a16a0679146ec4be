"""English: every sentence, from one table for each part of kobai."""

from kobai.words.en import course, descend, minimize, parts, study, tasks

WORDS = study.WORDS | minimize.WORDS | descend.WORDS | parts.WORDS | course.WORDS | tasks.WORDS
