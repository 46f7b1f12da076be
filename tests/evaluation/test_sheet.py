from __future__ import annotations

import numpy as np
from PIL import Image

from lsamatting.evaluation.records import MEASURES, PictureRecord
from lsamatting.evaluation.sheet import sheet_row, worst_and_best, worst_place, write_sheet
from lsamatting.trimap import Trimap


def record(name, mse):
    return PictureRecord(name, None, dict.fromkeys(MEASURES, mse), 10, (4, 3), 0.5)


def test_the_worst_and_the_best_are_chosen_in_order():
    records = [record(str(n), float((n * 7) % 20)) for n in range(20)]
    chosen = [r.errors["MSE"] for r in worst_and_best(records)]
    assert chosen == [19, 18, 17, 16, 3, 2, 1, 0]
    assert len(worst_and_best(records[:7])) == 7
    assert worst_and_best([PictureRecord("x", None, {}, 1, (4, 3), None)]) == []


def test_the_worst_place_has_the_error_in_its_middle():
    error = np.zeros((60, 80))
    error[20, 50] = 1
    assert worst_place(error, 10) == (slice(15, 25), slice(45, 55))
    error[40, 10:15] = 0.3  # more in sum
    rows, columns = worst_place(error, 10)
    assert (rows, columns.start < 10, columns.stop >= 15) == (slice(35, 45), True, True)


def test_the_worst_place_stays_in_the_picture():
    error = np.zeros((23, 31))
    error[0, 30] = 1
    assert worst_place(error, 9) == (slice(0, 9), slice(22, 31))
    assert worst_place(error, 27) == (slice(0, 23), slice(4, 31))
    assert worst_place(np.zeros((3, 2)), 9) == (slice(0, 3), slice(0, 2))


def test_a_row_shows_the_parts_and_the_sheet_holds_the_rows(tmp_path):
    height, width = 300, 500
    truth = np.zeros((height, width), np.float32)
    prediction = truth.copy()
    prediction[250:260, 400:420] = 1  # the only error
    trimap = Trimap(np.full((height, width), 128, np.uint8))
    image = np.full((height, width, 3), 0.5, np.float32)
    row = sheet_row(image, trimap, prediction, truth)
    side = row.shape[0]
    assert row.shape == (side, 10 * side, 3)
    error = row[:, 9 * side :]
    assert (error == 255).all(2).sum() == 10 * 20
    records = [record("a", 1.0), record("ü", 0.5)]
    rows = {r.key: row for r in records}
    write_sheet(tmp_path / "s.png", records, rows, title="ours")
    drawn = np.asarray(Image.open(tmp_path / "s.png"))
    assert drawn.shape[1] == row.shape[1]
    places = [y for y in range(drawn.shape[0] - side + 1) if (drawn[y : y + side] == row).all()]
    assert len(places) == 2
