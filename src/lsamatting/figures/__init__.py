"""Figures of the paper, for any picture."""
