"""What a teacher's tools say: what became of a notebook, the class page, the feedback of a learner, slides."""

WORDS = {
    "course.verdict.below": "{sentence}\nthis answer stands below its check, in the cell that begins with “{line}”; the check itself runs before it and cannot see it. Move the answer up",
    "course.verdict.setup_failed": "does not run: an earlier cell, which this needs, stopped with {kind}: {problem}\nin this line: {line}",
    "course.verdict.setup_stopped": "does not run: an earlier cell, which this needs, had not ended after {seconds} seconds. It begins with: {cell}",
    "course.verdict.setup_crashed": "does not run: an earlier cell, which this needs, ended the whole program ({how}). It begins with: {cell}",
    "course.verdict.changed": "not graded: {how} was changed while notebooks ran, and grading itself uses that file. Look at the notebooks from this one on, install kobai anew, and grade in a container",
    "course.unreadable.answers": "not graded: this is the course's own notebook with the answers, handed in where the learner's should be",
    "error.course.folders": "{path} holds no notebooks itself, but folders that do ({names}); give one of them, for example {first}",
}
