"""The largest component of a matte at every threshold, in one sweep over the image.

The connectivity error asks, for each of a rising row of thresholds, which pixels lie in the largest
4-connected component above it. Labelling the image once per threshold repeats nearly all the work:
components only grow as the threshold falls. So pixels are added from the highest threshold to the
lowest and merged in a disjoint-set forest, which knows the largest component after each step.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


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
    # Transposed, so that the scan order of the forest is MATLAB's column-major order.
    columns = np.ascontiguousarray(levels.T)
    return np.ascontiguousarray(_sweep(columns, top).T)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)  # type: ignore[untyped-decorator]
def _sweep(columns, top):  # type: ignore[no-untyped-def]
    width, height = columns.shape
    levels = columns.ravel()
    count = levels.size
    parent = np.empty(count, np.int32)
    size = np.empty(count, np.int32)
    largest = np.full(top + 2, -1, np.int32)
    # inside[t]: the component of level t + 1 lies within that of level t.
    inside = np.zeros(top + 2, np.bool_)

    # A set's root is its first pixel, so comparing roots settles ties.
    best_size, best_root = 0, -1
    for level in range(top, 0, -1):
        i = -1
        for x in range(width):
            for y in range(height):
                i += 1
                if levels[i] != level:
                    continue
                parent[i] = i
                size[i] = 1
                root = i
                for side in range(4):
                    if side == 0:
                        if y == 0:
                            continue
                        j = i - 1
                    elif side == 1:
                        if x == 0:
                            continue
                        j = i - height
                    elif side == 2:
                        if y == height - 1:
                            continue
                        j = i + 1
                    else:
                        if x == width - 1:
                            continue
                        j = i + height
                    if levels[j] > level or (levels[j] == level and j < i):
                        other = _root(parent, j)
                        if other != root:
                            if other > root:
                                root, other = other, root
                            parent[root] = other
                            size[other] += size[root]
                            root = other
                if size[root] > best_size or (size[root] == best_size and root < best_root):
                    best_size, best_root = size[root], root
        largest[level] = best_root
        if largest[level + 1] >= 0:
            inside[level] = _root(parent, largest[level + 1]) == best_root

    result = np.zeros((width, height), np.uint8)
    if best_root < 0:
        return result
    nested = 1
    while nested < top and inside[nested]:
        nested += 1

    # Components 1..nested contain one another. A pixel is in that of level t exactly if a path from
    # the innermost one reaches it without going below t: grow from there, highest level first.
    # Waiting pixels form one linked list per level, in the memory that the forest no longer needs.
    out = result.ravel()
    following = parent
    head = np.full(top + 1, -1, np.int32)
    seen = np.zeros(count, np.bool_)
    seed = largest[nested]
    following[seed] = -1
    head[nested] = seed
    seen[seed] = True
    for level in range(nested, 0, -1):
        while head[level] >= 0:
            i = head[level]
            head[level] = following[i]
            out[i] = level
            y = i % height
            for side in range(4):
                if side == 0:
                    if y == 0:
                        continue
                    j = i - 1
                elif side == 1:
                    j = i - height
                    if j < 0:
                        continue
                elif side == 2:
                    if y == height - 1:
                        continue
                    j = i + 1
                else:
                    j = i + height
                    if j >= count:
                        continue
                if not seen[j] and levels[j] > 0:
                    seen[j] = True
                    reached = min(level, levels[j])
                    following[j] = head[reached]
                    head[reached] = j
    return result
