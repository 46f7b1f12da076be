from __future__ import annotations

import hashlib
import json
import shutil

import torch

import lsamatting.weights
from lsamatting import __version__


def test_info_tells_what_a_bug_report_needs(cli):
    outcome = cli("info")
    assert outcome.code == 0, outcome.err
    for fact in (__version__, torch.__version__, "cpu", "threads"):
        assert fact in outcome.out


def test_info_describes_bundled_weights(cli, weights, network, tmp_path, monkeypatch):
    shutil.copytree(weights, tmp_path / "tiny")
    (tmp_path / "tiny" / "README.md").write_text("---\nlicense: mit\nsamples: 12\n---\n# Tiny\n")
    monkeypatch.setattr(lsamatting.weights, "_HERE", tmp_path)
    outcome = cli("info")
    data = (tmp_path / "tiny" / "model.safetensors").read_bytes()
    count = sum(value.numel() for value in network.parameters())
    for fact in ("tiny", hashlib.sha256(data).hexdigest(), "mit", "samples", f"{count:,}"):
        assert fact in outcome.out


def test_info_as_json(cli):
    report = json.loads(cli("info", "--json").out)
    assert report["lsamatting"] == __version__
    assert list(report["runtimes"]) == ["torch", "onnx"]
    assert all("cpu" in runtime["devices"] for runtime in report["runtimes"].values())
    assert isinstance(report["threads"], int)
    assert "lite" in report["weights"]
