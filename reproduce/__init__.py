"""The paper's tables: trainings and evaluations, declared in one file and run as one command.

It works on the installed package and is not part of it.
"""
