import numpy as np
import pytest
import torch

from lsamatting import Matting
from lsamatting.errors import ImageError
from lsamatting.inference.estimate import estimate
from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.fit import bytes_per_pixel, choose_tile, refined_bytes
from lsamatting.inference.frame import frame_picture
from lsamatting.inference.onnx_runtime import OnnxRuntime
from lsamatting.inference.open_picture import OpenPicture
from lsamatting.inference.symmetry import square_symmetries
from lsamatting.inference.tiled import ROUNDS, gather
from lsamatting.inference.tiles import cut
from lsamatting.inference.torch_runtime import TorchRuntime
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet
from lsamatting.weights import bundled_folder, bundled_names


def scene(height, width, seed=0):
    """A wavy edge between two textures, of which a band is unknown; 8 bits, as files have."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    distance = columns - width / 2 - 40 * np.sin(rows / 50) - 15 * np.sin(rows / 7)
    alpha = np.clip(0.5 + distance / 10, 0, 1)[..., None]
    front, back = ([0.8, 0.5, 0.2], [0.2, 0.3, 0.6])
    image = alpha * front + (1 - alpha) * back + rng.normal(0, 0.05, (height, width, 3))
    trimap = np.select([distance < -30, distance > 30], [0, 255], 128).astype(np.uint8)
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8), trimap


@pytest.fixture(scope="module")
def lite():
    return Matting.from_pretrained("lite", device="cpu", precision="full").runtime


@pytest.fixture(scope="module")
def picture():
    return scene(480, 640)


def alphas(runtime, image, trimap, **options):
    """At once and in tiles of the smallest size."""
    return [
        OpenPicture(runtime, frame_picture(image, trimap, priors=runtime.config.priors, tile=tile))
        .estimate(precision="full", **options)
        .alpha
        for tile in (None, 128)
    ]


@pytest.mark.parametrize("name", bundled_names())
def test_tiles_give_what_the_whole_gives(name, picture):
    """Each network must see all that it goes by within a tile's margin."""
    runtime = Matting.from_pretrained(name, device="cpu", precision="full").runtime
    image, trimap = picture
    whole, tiled = alphas(runtime, image, trimap)
    unknown = trimap == 128
    assert whole[unknown].std() > 0.2
    assert np.abs(whole - tiled).max() < 1 / 255
    np.testing.assert_array_equal(whole[~unknown], tiled[~unknown])


def test_tiles_need_no_torch(lite, picture):
    onnx = OnnxRuntime(bundled_folder("lite"), "cpu")
    assert onnx.tiles
    image, trimap = (part[:, 100:500] for part in picture)
    whole, tiled = alphas(onnx, image, trimap)
    assert np.abs(whole - tiled).max() < 1 / 255
    np.testing.assert_allclose(tiled, alphas(lite, image, trimap)[1], atol=1e-4)


@pytest.mark.slow
def test_turned_tiles_give_what_the_turned_whole_gives(lite, picture):
    symmetries = square_symmetries(8)[3:6]
    whole, tiled = alphas(lite, *picture, symmetries=symmetries)
    assert np.abs(whole - tiled).max() < 1 / 255


@pytest.mark.parametrize("attention", ["unknown", "everywhere"])
def test_averages_of_tiles_are_those_of_the_whole(attention):
    """Exactly, of the coarsest level, which no factor comes before."""
    torch.manual_seed(0)
    config = NetworkConfig.from_dict(
        {
            **NetworkConfig.preset("lite").to_dict(),
            "attention": attention,
            "priors": [],
            "base": "",
            "correction": "everywhere",
        }
    )
    runtime = TorchRuntime(LSANet(config).eval())
    image, trimap = scene(512, 512)
    frame = frame_picture(image, trimap, margin=512, tile=128)
    symmetry = square_symmetries(8)[5]
    layout = frame.lay_out(symmetry)
    everything = np.ones(layout.marks.shape, bool)
    expected = [
        total / weight for total, weight in runtime.sums(layout, everything, precision="full")
    ]
    # A tile that sees all of the frame has the whole's features up to the last digits.
    tiles = list(cut(frame.trimap == 128, 128, overlap=512, everywhere=attention == "everywhere"))
    assert len(tiles) > 4
    found = gather(runtime, frame, symmetry, tiles, precision="full")
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-3, atol=1e-5)
    for level, average in zip(found[1:], expected[1:], strict=True):
        assert np.linalg.norm(level - average) < 0.05 * np.linalg.norm(average)


class Counted:
    """Finds in each tile its own averages, drawn to those that it is to follow."""

    config = NetworkConfig.preset("lite")

    def __init__(self, pull):
        self.pull = pull
        self.runs = 0

    def sums(self, layout, counted, *, precision, averages=None):
        self.runs += 1
        own = np.float32([layout.image.mean(), 1])
        followed = own if averages is None else averages[0]
        weight = float(counted.sum())
        return [((own + self.pull * (followed - own)) * weight, weight)]


@pytest.mark.parametrize(
    ("pull", "rounds", "near"), [(0, 2, 1e-6), (0.05, 2, 0.01), (0.9, ROUNDS, 0.3)]
)
def test_averages_that_stand_still_are_gathered_no_further(picture, pull, rounds, near):
    _, trimap = picture
    shades = np.linspace(0, 255, len(trimap), dtype=np.uint8)[:, None, None]
    frame = frame_picture(np.broadcast_to(shades, (*trimap.shape, 3)), trimap, tile=128)
    tiles = list(cut(frame.trimap == 128, 128))
    runtime = Counted(pull)
    (found,) = gather(runtime, frame, square_symmetries(1)[0], tiles, precision="full")
    assert runtime.runs == rounds * len(tiles)
    (own,) = gather(Counted(0), frame, square_symmetries(1)[0], tiles, precision="full")
    # What is followed is what is found, so that the fixed point is the mean of the tiles' own.
    assert np.abs(found - own).max() < near


def test_given_averages_are_followed(lite, picture):
    frame = frame_picture(*picture, priors=lite.config.priors)
    layout = frame.lay_out()
    everything = np.ones(layout.marks.shape, bool)
    own = [total / weight for total, weight in lite.sums(layout, everything, precision="full")]
    alone = lite.run(layout, precision="full")
    np.testing.assert_allclose(lite.run(layout, precision="full", averages=own), alone, atol=1e-4)
    others = [average * 0.5 for average in own]
    assert np.abs(lite.run(layout, precision="full", averages=others) - alone).max() > 0.01


def test_a_small_budget_means_tiles_and_the_same_matte(lite, monkeypatch):
    """Whatever else this process holds: it counts as nothing here."""
    monkeypatch.setattr("lsamatting.inference.fit.resident_size", lambda: 0)
    image, trimap = scene(1000, 320)
    chosen = []

    def noted(*arguments, **options):
        chosen.append(choose_tile(*arguments, **options))
        return chosen[-1]

    monkeypatch.setattr("lsamatting.inference.levels.choose_tile", noted)
    found = [
        estimate(lite, image, trimap, options=EstimateOptions(precision="full", memory=memory))
        for memory in (2**32, 100 * 2**20)
    ]
    assert chosen[0] is None
    assert chosen[1] is not None
    assert np.abs(found[0].alpha - found[1].alpha).max() < 1 / 255


def test_progress_counts_runs_on_tiles_and_can_end_them(lite, picture):
    class CancelledError(Exception):
        pass

    runs, told = [], []

    class Counting:
        name, device, config, tiles = lite.name, lite.device, lite.config, True

        def run(self, *arguments, **options):
            runs.append("run")
            return lite.run(*arguments, **options)

        def sums(self, *arguments, **options):
            runs.append("sums")
            return lite.sums(*arguments, **options)

    def until(last):
        def tell(done, total):
            told.append((done, total, len(runs)))
            if done == last:
                raise CancelledError

        return tell

    frame = frame_picture(*picture, priors=lite.config.priors, tile=128)
    opened = OpenPicture(Counting(), frame)
    opened.estimate(progress=until(None))
    total = told[0][1]
    tiles = runs.count("run")
    assert total == (ROUNDS + 1) * tiles > 10
    gathered = runs.count("sums")
    assert gathered % tiles == 0
    assert 2 * tiles <= gathered <= ROUNDS * tiles
    # Rounds that need not be count as done.
    saved = ROUNDS * tiles - gathered
    assert told[: len(runs) + 1] == [
        (done if done <= gathered else done + saved, total, done) for done in range(len(runs) + 1)
    ]
    runs.clear()
    with pytest.raises(CancelledError):
        opened.estimate(progress=until(3))
    assert len(runs) == 3


@pytest.mark.parametrize("refined", [False, True])
def test_what_does_not_fit_is_refused_in_one_line(lite, refined, monkeypatch):
    monkeypatch.setattr("lsamatting.inference.fit.resident_size", lambda: 400 * 2**20)
    trimap = np.full((3000, 4000), 128, np.uint8)
    options = {"padding": "window", "margin": 64, "refined": refined, "name": "cat.jpg"}
    with pytest.raises(ImageError) as caught:
        choose_tile(trimap, lite, memory=2**30, **options)
    message = str(caught.value)
    assert message.startswith("cat.jpg: 4000x3000 pixels, 12000000 of them unknown: ")
    assert "1.0 GiB may be used" in message
    assert "\n" not in message
    assert ("even in tiles refinement needs" in message) is refined


def test_refinement_takes_more_and_has_tiles_too(lite, monkeypatch):
    monkeypatch.setattr("lsamatting.inference.fit.resident_size", lambda: 0)
    trimap = np.zeros((3000, 4000), np.uint8)
    trimap[:, 2000:2100] = 128
    trimap[::2999, ::3999] = 128
    options = {"padding": "window", "margin": 64}
    enough = {
        refined: min(
            mib
            for mib in (2000, 4000, 8000, 16000, 32000)
            if choose_tile(trimap, lite, memory=mib * 2**20, refined=refined, **options) is None
        )
        for refined in (False, True)
    }
    assert enough[True] > enough[False]
    memory = 1200 * 2**20
    assert choose_tile(trimap, lite, memory=memory, refined=True, **options) == 256
    assert refined_bytes(lite.config, trimap == 128) < memory
    wide = np.full_like(trimap, 128)
    assert refined_bytes(lite.config, wide) > 3 * refined_bytes(lite.config, trimap == 128)


def test_more_memory_means_larger_tiles_until_all_is_done_at_once(lite, monkeypatch):
    monkeypatch.setattr("lsamatting.inference.fit.resident_size", lambda: 400 * 2**20)
    trimap = np.zeros((6000, 8000), np.uint8)
    trimap[:, 3000:3500] = 128
    trimap[:3, ::7999] = 128
    options = {"padding": "window", "margin": 64, "refined": False}
    sides = [
        choose_tile(trimap, lite, memory=int(gib * 2**30), **options) for gib in (3, 3.2, 3.5, 64)
    ]
    assert sides[-1] is None
    assert sides[0] < sides[1] <= sides[2]
    trimap[:] = 255
    assert choose_tile(trimap, lite, memory=2**29, **options) is None


def test_what_takes_more_for_a_run_is_tiled_earlier_and_smaller(lite, monkeypatch):
    class Onnx:
        name, device, config, tiles = "onnx", "cpu", lite.config, True

        def release(self):
            pass

    monkeypatch.setattr("lsamatting.inference.fit.resident_size", lambda: 400 * 2**20)
    trimap = np.zeros((2000, 3000), np.uint8)
    trimap[:, 1000:1600] = 128
    trimap[::1999, ::2999] = 128
    options = {"padding": "window", "margin": 64, "refined": False}

    def side(runtime, gib):
        return choose_tile(trimap, runtime, memory=int(gib * 2**30), **options)

    # Measured for 6 megapixels at once: 2.5 GiB with PyTorch, 3.6 GiB with ONNX Runtime.
    assert side(lite, 3.4) is None
    assert side(Onnx(), 3.4) is not None
    assert side(Onnx(), 6) is None
    assert side(Onnx(), 1.2) < side(lite, 1.2)


def test_a_graph_without_averages_says_so(monkeypatch):
    class Old:
        name, device, config, tiles = "onnx", "cpu", NetworkConfig.preset("lite"), False

        def release(self):
            pass

    monkeypatch.setattr("lsamatting.inference.fit.resident_size", lambda: 0)
    trimap = np.full((3000, 4000), 128, np.uint8)
    said = "an ONNX file of an older version, which is computed at once, needs"
    with pytest.raises(ImageError, match=said):
        choose_tile(trimap, Old(), memory=2**30, padding="window", margin=64, refined=False)


def test_the_papers_network_is_known_to_take_more():
    assert bytes_per_pixel(NetworkConfig.preset("paper")) > 2 * bytes_per_pixel(
        NetworkConfig.preset("lite")
    )
