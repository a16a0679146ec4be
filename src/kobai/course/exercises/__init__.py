"""The table of all exercises: one module a lesson, with the exercises of its checks by name."""

from functools import cache
from importlib import import_module

from kobai.basics.errors import unknown
from kobai.course.exercise import Exercise
from kobai.course.source import lesson_names, load


@cache
def of_lesson(name: str) -> dict[str, Exercise]:
    """The exercises of a lesson (3_1_SGD) by their full names, in its order: 3_1.sgd, …"""
    lesson = load(name)
    if not lesson.exercises:
        return {}
    table = import_module(f"kobai.course.exercises.lesson_{lesson.number}").EXERCISES
    return {exercise: table[exercise.partition(".")[2]] for exercise in lesson.exercises}


def find(exercise: str) -> Exercise:
    """The exercise of that name ("3_1.adam"). Raises `UsageError`."""
    for lesson in lesson_names() if isinstance(exercise, str) else ():
        if lesson.startswith(f"{exercise.partition('.')[0]}_") and exercise in of_lesson(lesson):
            return of_lesson(lesson)[exercise]
    raise unknown(
        "kind.exercise", exercise, [each for name in lesson_names() for each in load(name).exercises]
    )
