"""Ablations: a grid of trainings and evaluations, declared in one file and run as one command."""
