from __future__ import annotations

import json
import shlex

import pytest
import torch
from safetensors.torch import load_file

from lsamatting.network.authors_checkpoint import authors_key
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return LSANet(NetworkConfig.preset("paper")).eval()


@pytest.fixture(scope="module")
def checkpoint(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("authors") / "model.ckpt"
    state = {f"module.{authors_key(k)}": v for k, v in network.state_dict().items()}
    torch.save({"epoch": 99, "state_dict": state}, path)
    return path


def test_a_checkpoint_becomes_weights_for_every_command(cli, checkpoint, network, scene, tmp_path):
    folder = tmp_path / "the authors"
    outcome = cli("convert", checkpoint, folder)
    assert (outcome.code, outcome.err) == (0, "")
    first, second, third = outcome.out.splitlines()
    assert first == (
        f"{checkpoint} -> {folder} (epoch 99, 376 tensors, 38.1 million parameters, float32)"
    )
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert (
        json.loads((folder / "config.json").read_text()) == NetworkConfig.preset("paper").to_dict()
    )
    written = load_file(folder / "model.safetensors")
    for name, value in network.state_dict().items():
        assert torch.equal(written[name], value), name

    # What it tells to run does run.
    files = {"PHOTO": scene.image, "TRIMAP": scene.trimap, "ALPHA": tmp_path / "alpha.png"}
    command = shlex.split(second.partition(": lsamatting ")[2])
    assert command[command.index("--weights") + 1] == str(folder)
    command = [str(files.get(word, word)) for word in command] + ["--tta-symmetries", "1"]
    outcome = cli(*command, *shlex.split(third.partition(": ")[2]), "--refine-steps", "1")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "alpha.png").exists()


def test_half(cli, checkpoint, network, tmp_path):
    outcome = cli("convert", checkpoint, tmp_path / "half", "--half")
    assert outcome.code == 0
    assert "float16" in outcome.out
    written = load_file(tmp_path / "half" / "model.safetensors")
    for name, value in network.state_dict().items():
        wanted = value.half() if value.is_floating_point() else value
        assert torch.equal(written[name], wanted), name


def test_half_refuses_what_it_cannot_hold(cli, checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    content["state_dict"]["module.backbone.stem.0.bn.running_var"][3] = 1e5
    torch.save(content, tmp_path / "wide.ckpt")
    outcome = cli("convert", tmp_path / "wide.ckpt", tmp_path / "half", "--half")
    assert outcome.code == 2
    assert "backbone.stem.0.bn.running_var has values beyond 65504" in outcome.error_line
    assert not (tmp_path / "half").exists()


def test_a_folder_with_files_is_left_alone_unless_told(cli, checkpoint, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    outcome = cli("convert", checkpoint, tmp_path)
    assert outcome.code == 2
    assert "not empty" in outcome.error_line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["note.txt"]
    assert cli("convert", checkpoint, tmp_path, "--overwrite").code == 0
    assert (tmp_path / "model.safetensors").exists()
    assert (tmp_path / "note.txt").read_text() == "mine"


def test_what_is_no_checkpoint_is_the_users_mistake(cli, scene, tmp_path):
    for path, found in ((scene.image, "not a checkpoint"), (tmp_path / "none", "no such file")):
        outcome = cli("convert", path, tmp_path / "out")
        assert outcome.code == 2
        assert str(path) in outcome.error_line
        assert found in outcome.error_line
        assert not (tmp_path / "out").exists()


def test_places_that_cannot_be_written(cli, checkpoint, tmp_path):
    (tmp_path / "file").write_text("")
    outcome = cli("convert", checkpoint, tmp_path / "file")
    assert outcome.code == 2
    assert "not a folder" in outcome.error_line
    outcome = cli("convert", checkpoint, tmp_path / "file" / "out")
    assert outcome.code == 2
    assert "cannot be written" in outcome.error_line
