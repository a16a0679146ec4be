"""Every sentence a person reads, one table per language with equal keys.

``say(key, **values)`` gives the sentence in the current language; ``use("ja")`` changes the language.
The tables are `en.WORDS` and `ja.WORDS`, each put together from files by subject: methods, tasks, study,
questions, course, cli. A sentence stands in the same file under the same key in both.
"""

from kobai.words.speech import (
    TABLES,
    Note,
    Term,
    UsageError,
    current,
    language,
    metric,
    quoted,
    said,
    say,
    use,
)

__all__ = [
    "TABLES",
    "Note",
    "Term",
    "UsageError",
    "current",
    "language",
    "metric",
    "quoted",
    "said",
    "say",
    "use",
]
