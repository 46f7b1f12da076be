"""How good a matte is: the published error measures."""
