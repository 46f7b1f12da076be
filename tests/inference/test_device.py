from __future__ import annotations

import pytest
import torch

from lsamatting.errors import ConfigError
from lsamatting.inference.device import available_devices, choose_device


def test_auto_is_the_first_that_is_there(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert available_devices() == ("cpu",)
    assert choose_device("auto") == torch.device("cpu")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert available_devices() == ("cuda:0", "cuda:1", "mps", "cpu")
    assert choose_device("auto") == torch.device("cuda:0")
    assert choose_device("cuda") == torch.device("cuda:0")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:9", "xpu", "", "CPU!", "meta"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(ConfigError, match="accepted here"):
        choose_device(name)
