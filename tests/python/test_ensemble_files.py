"""Files of ensembles: bit for bit, and clear errors."""

import json
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass as bp


def ensemble(dtype: str = "float32") -> bp.Ensemble:
    nets = [
        bp.Network([3, 5, 2], "elu", output="softmax", dropout=0.1, dtype=dtype, seed=0),
        bp.Network([3, 2], output="softmax", bias=False, dtype=dtype, seed=1),
        bp.Network([3, 4, 4, 2], ["tanh", "relu", "softmax"], dtype=dtype, seed=2),
    ]
    nets[1].layers[0].lr_scale = 0.5
    return bp.Ensemble.of(nets)


def header(path: Path) -> tuple[dict[str, Any], bytes]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def write(path: Path, head: dict[str, Any], data: bytes) -> None:
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def test_comes_back_bit_for_bit(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "ensemble.safetensors"
    ens = ensemble(dtype)
    ens.save(path, metadata={"by": "me"})
    loaded = bp.load(path)
    assert isinstance(loaded, bp.Ensemble)
    assert repr(loaded) == repr(ens)
    for net, other in zip(ens, loaded, strict=True):
        assert repr(net) == repr(other)
        assert net.parameters.tobytes() == other.parameters.tobytes()
    assert loaded[1].layers[0].lr_scale == 0.5
    saved = bp.load_checkpoint(path)
    assert saved.metadata == {"by": "me"}
    assert saved.optimizer is None
    assert isinstance(saved.network, bp.Ensemble)
    assert bp.load(path, "float64").dtype == np.float64


def test_tensors_have_the_names_of_the_members(tmp_path: Path) -> None:
    path = tmp_path / "ensemble.safetensors"
    ens = ensemble()
    ens.save(path)
    head, data = header(path)
    assert head["__metadata__"]["members"] == "3"
    names = sorted(name for name in head if name.startswith("member.2"))
    assert names == [f"member.2.{i}.{what}" for i in (0, 2, 4) for what in ("bias", "weight")]
    begin, end = head["member.2.2.weight"]["data_offsets"]
    weight = np.frombuffer(data[begin:end], "<f4").reshape(head["member.2.2.weight"]["shape"])
    assert np.array_equal(weight, ens[2].layers[1].weight)


def test_a_network_and_an_ensemble_are_told_apart(tmp_path: Path) -> None:
    one, many = tmp_path / "one.safetensors", tmp_path / "many.safetensors"
    bp.Network([3, 2], seed=0).save(one)
    ensemble().save(many)
    assert isinstance(bp.load(one), bp.Network)
    net = bp.Network([3, 2], seed=0)
    arguments = {"loss": "mse", "optimizer": "adam", "epochs": 1, "progress": False}
    with pytest.raises(bp.FormatError, match="an ensemble of 3 networks and not one network"):
        net.fit(np.ones((2, 3)), np.ones((2, 2)), resume_from=many, **arguments)


def test_damaged_descriptions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ensemble.safetensors"
    ensemble().save(path)
    good, data = header(path)

    def error_of(change: Any) -> str:
        head = json.loads(json.dumps(good))
        change(head, head["__metadata__"])
        write(path, head, data)
        with pytest.raises(bp.FormatError) as error:
            bp.load(path)
        return str(error.value)

    def first(text: str, **changes: Any) -> str:
        return json.dumps(json.loads(text) | changes)

    assert "no description of member 3 of 4" in error_of(lambda h, m: m.update(members="4"))
    assert "the ensemble has no members" in error_of(lambda h, m: m.update(members="0"))
    assert "not an integer" in error_of(lambda h, m: m.update(members="-1"))
    assert "the ensemble has only" in error_of(lambda h, m: m.update(members="2"))
    assert "no description of member 1" in error_of(lambda h, m: m.pop("member.1.network"))
    assert "member 1: " in error_of(lambda h, m: m.update({"member.1.network": "{"}))
    assert "than member 0" in error_of(
        lambda h, m: m.update({"member.1.network": first(m["member.1.network"], dtype="float64")})
    )
    assert "than member 0" in error_of(
        lambda h, m: m.update({"member.1.network": first(m["member.1.network"], sizes=[4, 2])})
    )
    assert "'member.1.0.weight'" in error_of(
        lambda h, m: h.update({"member.1.1.weight": h.pop("member.1.0.weight")})
    ).replace('"', "'")


def test_what_cannot_be_saved_is_named(tmp_path: Path) -> None:
    custom = bp.activations.Custom(np.tanh, lambda z: 1 - np.tanh(z) ** 2)
    ens = bp.Ensemble.of([bp.Network([3, 2]), bp.Network([3, 4, 2], custom)])
    path = tmp_path / "ensemble.safetensors"
    with pytest.raises(ValueError, match=r"member 1: .*Custom activation"):
        ens.save(path)
    assert not path.exists()
    with pytest.raises(TypeError, match="metadata"):
        ensemble().save(path, metadata={"a": 1})
    with pytest.raises(OSError, match="No such file"):
        ensemble().save(tmp_path / "missing" / "file")


def test_a_pickle_is_loaded_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "ensemble.pickle"
    ens = ensemble()
    code = (
        "import sys, pickle, numpy as np, backpass as bp\n"
        "ens = pickle.loads(open(sys.argv[1], 'rb').read())\n"
        "print(ens.mean(np.ones((1, 3))).tobytes().hex())"
    )
    path.write_bytes(pickle.dumps(ens))
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == ens.mean(np.ones((1, 3))).tobytes().hex()
