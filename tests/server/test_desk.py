"""What a worker does beside what takes long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from lsamatting.server.desk import Desk
from lsamatting.server.tasks import ComputeMatte, MatteOptions, Recipe, Render, Upload


class GivenUpError(Exception):
    pass


def give_up(done: int, total: int) -> None:
    raise GivenUpError


@pytest.fixture(scope="module")
def desk(settings):
    return Desk(settings)


@pytest.fixture
def recipe(scene) -> Recipe:
    np.save(scene.folder / "known.npy", scene.marks)
    picture, known = Upload(str(scene.image), "image.png"), str(scene.folder / "known.npy")
    return Recipe(str(scene.folder), picture, known, MatteOptions("lite"))


@contextmanager
def computing(desk: Desk, monkeypatch: pytest.MonkeyPatch, recipe: Recipe) -> Iterator[None]:
    """Have a matte computed that takes as long as we like."""
    begun, enough = threading.Event(), threading.Event()

    def take_long(*_: object) -> object:
        begun.set()
        assert enough.wait(60)
        raise GivenUpError

    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as beside:
        patch.setattr(desk, "_estimate", take_long)
        computed = beside.submit(desk.do, ComputeMatte(recipe), lambda *_: None)
        assert begun.wait(60)
        try:
            yield
        finally:
            enough.set()
            assert isinstance(computed.exception(60), GivenUpError)


def test_a_matte_is_looked_at_while_another_is_computed(desk, recipe, scene, monkeypatch):
    desk.do(ComputeMatte(recipe), lambda *_: None)
    other = Recipe("other", recipe.picture, recipe.trimap, recipe.options)
    target = scene.folder / "alpha.png"
    with computing(desk, monkeypatch, other):
        desk.do(Render(recipe, "alpha", "png", str(target)), give_up)
        assert np.asarray(Image.open(target)).shape == scene.marks.shape


def test_what_waits_for_its_turn_can_be_given_up(desk, recipe, scene, monkeypatch):
    later = Recipe("later", recipe.picture, recipe.trimap, recipe.options)
    target = scene.folder / "alpha.png"
    with computing(desk, monkeypatch, recipe), pytest.raises(GivenUpError):
        desk.do(Render(later, "alpha", "png", str(target)), give_up)
    assert not target.exists()
