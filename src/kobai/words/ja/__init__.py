"""Japanese: every sentence, by its subject.

methods     every method in a line, and what it says of wrong hyperparameters
tasks       the tasks and the landscapes
table       a table of one's own: what became of it, and what is wrong with it
study       what is compared, the answer, and what to read with care
questions/  the tables and pages of each question
course/     the lessons and their exercises
cli         the help of the commands, options and files
"""

from kobai.words.ja import cli, course, methods, questions, study, table, tasks

OF_TASKS = tasks.WORDS | table.WORDS
WORDS = methods.WORDS | OF_TASKS | study.WORDS | questions.WORDS | course.WORDS | cli.WORDS
