"""The largest component of a matte at every threshold, in one sweep over the image.

The connectivity error asks, for each of a rising row of thresholds, which pixels lie in the largest
4-connected component above it. Labelling the image once per threshold repeats nearly all the work:
components only grow as the threshold falls. So pixels are added from the highest threshold to the
lowest and merged in a disjoint-set forest, which knows the largest component after each step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.compiled import compiled


def last_connected_level(levels: NDArray[np.uint8], *, top: int) -> NDArray[np.uint8]:
    """Find up to which level each pixel stays in the largest component.

    The component of level t is the largest 4-connected set of pixels with ``levels >= t``. Among
    equally large ones it is the one whose first pixel in column-major order comes first, as
    MATLAB's labelling has it. A pixel that has left stays out, even if a higher level's largest
    component holds it again. A level without pixels has no component.

    Parameters
    ----------
    levels : (H, W) uint8
        Number of thresholds that the pixel passes, 0 to `top`.
    top : int
        Number of thresholds.

    Returns
    -------
    (H, W) uint8
        The last level t such that the pixel is in the components of levels 1 to t; 0 if in none.
    """
    height, width = levels.shape
    # Transposed, so that the forest's scan order is MATLAB's column-major order, and with a border
    # of level 0, so that every pixel has four neighbours.
    columns = np.zeros((width + 2, height + 2), np.uint8)
    columns[1:-1, 1:-1] = levels.T
    return np.ascontiguousarray(_sweep(columns, top)[1:-1, 1:-1].T)


@compiled()
def _root(forest, i):  # type: ignore[no-untyped-def]
    while forest[i] > 0:
        above = forest[i]
        if forest[above] > 0:
            forest[i] = forest[above]
        i = above
    return i


@compiled()
def _sweep(columns, top):  # type: ignore[no-untyped-def]
    levels = columns.ravel()
    stride = columns.shape[1]
    # Of a pixel: 0, not yet added; positive, another pixel of its set; negative, it is the set's
    # root and that many pixels are in the set. A root is the set's first pixel, so that comparing
    # roots settles ties. Pixel 0 is border and never in a set.
    forest = np.zeros(levels.size, np.int32)
    largest = np.zeros(top + 2, np.int32)
    # inside[t]: the component of level t + 1 lies within that of level t.
    inside = np.zeros(top + 2, np.bool_)

    # Pixels sorted by level, in scan order within a level.
    starts = np.zeros(top + 2, np.int64)
    for i in range(levels.size):
        starts[levels[i] + 1] += 1
    starts = np.cumsum(starts)
    order = np.empty(levels.size, np.int32)
    ends = starts.copy()
    for i in range(levels.size):
        order[ends[levels[i]]] = i
        ends[levels[i]] += 1

    best_size, best_root = 0, 0
    for level in range(top, 0, -1):
        for i in order[starts[level] : starts[level + 1]]:
            # The neighbour above is most often of the same set: join it without a comparison.
            if forest[i - 1] != 0:
                root = _root(forest, i - 1)
                forest[i] = root
                forest[root] -= 1
            else:
                root = i
                forest[i] = -1
            for j in (i - stride, i + 1, i + stride):
                if forest[j] != 0 and forest[j] != root:
                    other = _root(forest, j)
                    if other != root:
                        if other > root:
                            root, other = other, root
                        forest[other] += forest[root]
                        forest[root] = other
                        root = other
            size = -forest[root]
            if size > best_size or (size == best_size and root < best_root):
                best_size, best_root = size, root
        largest[level] = best_root
        if largest[level + 1] > 0:
            inside[level] = _root(forest, largest[level + 1]) == best_root

    result = np.zeros(columns.shape, np.uint8)
    if best_root == 0:
        return result
    nested = 1
    while nested < top and inside[nested]:
        nested += 1

    # Components 1 to nested contain one another. A pixel is in that of level t exactly if a path
    # from the innermost one reaches it without going below t: grow from there, highest level first.
    # Waiting pixels form one linked list per level, in the memory that the forest no longer needs.
    out = result.ravel()
    following = forest
    first = np.zeros(top + 1, np.int32)
    first[nested] = largest[nested]
    following[largest[nested]] = 0
    levels[largest[nested]] = 0
    for level in range(nested, 0, -1):
        while first[level] != 0:
            i = first[level]
            first[level] = following[i]
            out[i] = level
            for j in (i - stride, i - 1, i + 1, i + stride):
                # A pixel that waits or is done has its level struck out.
                if levels[j] > 0:
                    reached = min(level, levels[j])
                    levels[j] = 0
                    following[j] = first[reached]
                    first[reached] = j
    return result
