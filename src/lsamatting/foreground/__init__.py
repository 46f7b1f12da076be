"""Colours of the foreground where it is mixed with the background."""
