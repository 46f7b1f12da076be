"""Backpropagating refinement (paper, section 4.3), a file per idea.

`targets` says which pixels ought to be what, `objective` how far they are from it, `optimisers`
how that is lowered, `fast_decoder` and `fast_head` how the network answers quickly while only the
refinement modules' fields change, and `tiled_decoder` how it does where the picture is too large to
be in one piece. `refiner` puts these together; `options` are what can be asked of
it and `report` is what it tells.
"""
