"""Several tasks in one comparison: what they say together, in the terminal, on a page and in files.

numbers    costs over tasks as text
table      the table over tasks, as strings
sentences  the answer in words
terminal   both, with each task's own answer below
figure     what choosing one for all costs, drawn
page       the report, with a link to the report of each task
result     `OverTasksResult`: what `kobai.compare` gives for several tasks
"""
