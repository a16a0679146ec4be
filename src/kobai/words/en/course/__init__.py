"""The course: what every lesson says, and for each lesson its hints and named wrong answers."""

from kobai.words.en.course import (
    common,
    grading,
    lesson_3_1,
    lesson_3_2,
    lesson_3_4,
    lesson_3_5,
    lesson_3_6,
    lesson_3_7,
    lesson_3_8,
    lesson_3_9,
    lesson_3_10,
    lesson_3_11,
    lesson_3_12,
    lesson_3_13,
    mistakes,
)

WORDS = (
    common.WORDS
    | mistakes.WORDS
    | grading.WORDS
    | lesson_3_1.WORDS
    | lesson_3_2.WORDS
    | lesson_3_4.WORDS
    | lesson_3_5.WORDS
    | lesson_3_6.WORDS
    | lesson_3_7.WORDS
    | lesson_3_8.WORDS
    | lesson_3_9.WORDS
    | lesson_3_10.WORDS
    | lesson_3_11.WORDS
    | lesson_3_12.WORDS
    | lesson_3_13.WORDS
)
