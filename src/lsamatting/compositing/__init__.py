"""A subject on something else: the equation, what is put behind, and pictures that show it."""
