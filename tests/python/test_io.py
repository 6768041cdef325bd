"""Files, read by an independent reader, by the safetensors package and by PyTorch.

Also files of earlier versions, training that continues, pickles and copies.
"""

import copy
import errno
import json
import os
import pickle
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import backpass as bp
from alarms import assert_ends_soon, seconds_of, seconds_until_interrupted
from backpass._atomic import atomic_write
from members import OPTIMIZERS, SCHEDULES

GOLDEN = Path(__file__).parents[1] / "golden"
DTYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}


def read(path: Path) -> tuple[dict[str, str], dict[str, npt.NDArray[Any]]]:
    """Read the format, written from its description only."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    data = content[8 + length :]
    assert (8 + length) % 8 == 0
    metadata = header.pop("__metadata__")
    tensors = {
        name: np.frombuffer(data[slice(*t["data_offsets"])], DTYPES[t["dtype"]]).reshape(t["shape"])
        for name, t in header.items()
    }
    assert sum(tensor.nbytes for tensor in tensors.values()) == len(data)
    return metadata, tensors


def example(dtype: str) -> bp.Network:
    return bp.Network(
        [4, 6, 5, 3, 2],
        ["relu", bp.activations.ELU(0.5), "identity", "softmax"],
        bias=[True, True, False, True],
        dropout=[0.5, 0.0, 0.25],
        dtype=dtype,
        seed=3,
    )


def assert_same(a: bp.Network, b: bp.Network) -> None:
    assert a.dtype == b.dtype
    assert a.sizes == b.sizes
    assert a.parameters.tobytes() == b.parameters.tobytes()
    assert repr(a) == repr(b)
    for p, q in zip(a.layers, b.layers, strict=True):
        assert repr(p.activation) == repr(q.activation)
        assert (p.bias is None) == (q.bias is None)
        for name in ("dropout", "trainable", "lr_scale", "bias_lr_scale"):
            assert getattr(p, name) == getattr(q, name)


def batch(net: bp.Network, rows: int = 10) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    rng = np.random.default_rng(5)
    return rng.normal(size=(rows, net.sizes[0])), rng.integers(net.sizes[-1], size=rows)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


# ---- other readers


def test_the_tensors_are_the_weights(tmp_path: Path, dtype: str) -> None:
    net = example(dtype)
    path = tmp_path / "net.safetensors"
    net.save(path)
    metadata, tensors = read(path)
    # Linear ReLU Dropout | Linear ELU | Linear Dropout | Linear Softmax
    linear = ["0", "3", "5", "7"]
    expected = {f"{m}.weight" for m in linear} | {f"{m}.bias" for m in ("0", "3", "7")}
    assert set(tensors) == expected
    for module, layer in zip(linear, net.layers, strict=True):
        assert tensors[f"{module}.weight"].dtype == dtype
        np.testing.assert_array_equal(tensors[f"{module}.weight"], layer.weight)
        if layer.bias is not None:
            np.testing.assert_array_equal(tensors[f"{module}.bias"], layer.bias)
    assert metadata["format"] == "backpass"
    assert metadata["backpass_version"] == bp.__version__
    assert json.loads(metadata["network"])["sizes"] == list(net.sizes)


def test_the_safetensors_package_reads_our_files(tmp_path: Path, dtype: str) -> None:
    safetensors = pytest.importorskip("safetensors")
    numpy_reader = pytest.importorskip("safetensors.numpy")
    net = example(dtype)
    adam = bp.optim.Adam()
    x, y = batch(net)
    net.train_step(x, y, loss="cross_entropy", optimizer=adam)
    path = tmp_path / "net.safetensors"
    net.save(path, optimizer=adam, metadata={"note": "π"})
    tensors = numpy_reader.load_file(path)
    for module, layer in zip(["0", "3", "5", "7"], net.layers, strict=True):
        np.testing.assert_array_equal(tensors[f"{module}.weight"], layer.weight)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert file.metadata()["user.note"] == "π"
        assert set(file.keys()) == set(read(path)[1])


def test_we_read_what_the_safetensors_package_writes_again(tmp_path: Path, dtype: str) -> None:
    safetensors = pytest.importorskip("safetensors")
    numpy_module = pytest.importorskip("safetensors.numpy")
    net = example(dtype)
    net.save(tmp_path / "ours")
    tensors = numpy_module.load_file(tmp_path / "ours")
    with safetensors.safe_open(tmp_path / "ours", framework="numpy") as file:
        metadata = file.metadata()
    numpy_module.save_file(tensors, tmp_path / "theirs", metadata)
    assert_same(bp.load(tmp_path / "theirs"), net)

    numpy_module.save_file(tensors, tmp_path / "bare")
    with pytest.raises(bp.FormatError, match="backpass did not write it"):
        bp.load(tmp_path / "bare")


def test_a_torch_sequential_loads_our_tensors(tmp_path: Path, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    net = example(dtype)
    net.save(tmp_path / "net")
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 6),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.5),
        torch.nn.Linear(6, 5),
        torch.nn.ELU(0.5),
        torch.nn.Linear(5, 3, bias=False),
        torch.nn.Dropout(0.25),
        torch.nn.Linear(3, 2),
        torch.nn.Softmax(dim=1),
    ).to(getattr(torch, dtype))
    tensors = {name: torch.from_numpy(t.copy()) for name, t in read(tmp_path / "net")[1].items()}
    module.load_state_dict(tensors, strict=True)
    x = batch(net)[0].astype(dtype)
    with torch.no_grad():
        theirs = module.eval()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(net.predict(x), theirs, rtol=0, atol=50 * np.finfo(dtype).eps)


# ---- loading


def test_a_loaded_network_has_the_saved_bits(tmp_path: Path, dtype: str) -> None:
    net = example(dtype)
    net.layers[1].trainable = False
    net.layers[2].lr_scale = 0.125
    net.layers[2].bias_lr_scale = 0.1
    net.parameters[:4] = [np.nan, np.inf, -0.0, np.finfo(dtype).smallest_subnormal]
    net.save(tmp_path / "net")
    loaded = bp.load(str(tmp_path / "net"))
    assert_same(loaded, net)
    x, _ = batch(net)
    assert loaded.predict(x).tobytes() == net.predict(x).tobytes()


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, bp.Network.copy, lambda net: pickle.loads(pickle.dumps(net))],
    ids=["copy", "deepcopy", "Network.copy", "pickle"],
)
def test_copies_and_pickles_are_the_network(
    duplicate: Callable[[bp.Network], bp.Network], dtype: str
) -> None:
    net = example(dtype)
    net.layers[1].trainable = False
    twin = duplicate(net)
    assert_same(twin, net)
    x, y = batch(net)
    for one in (net, twin):  # dropout must also be the same
        one.train_step(x, y, loss="cross_entropy", optimizer=bp.optim.SGD(lr=0.1))
    assert_same(twin, net)
    twin.parameters[0] += 1
    assert twin.parameters[0] != net.parameters[0]


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
def test_training_from_a_file_has_the_bits_of_uninterrupted_training(
    settings: bp.optim.Optimizer, tmp_path: Path, dtype: str
) -> None:
    net, optimizer = example(dtype), copy.deepcopy(settings)
    x, y = batch(net)
    for _ in range(3):
        net.train_step(x, y, loss="cross_entropy", optimizer=optimizer)
    net.save(tmp_path / "net", optimizer=optimizer, steps=3)
    saved = bp.load_checkpoint(tmp_path / "net")
    assert saved.steps == 3
    assert saved.optimizer is not None
    assert repr(saved.optimizer) == repr(optimizer)
    for _ in range(4):
        net.train_step(x, y, loss="cross_entropy", optimizer=optimizer)
        saved.network.train_step(x, y, loss="cross_entropy", optimizer=saved.optimizer)
    assert_same(saved.network, net)


@pytest.mark.parametrize("settings", SCHEDULES, ids=str)
def test_a_loaded_schedule_is_the_saved_one(
    settings: bp.schedules.Schedule, tmp_path: Path
) -> None:
    net, schedule = example("float32"), copy.deepcopy(settings)
    x, y = batch(net)
    net.fit(
        x,
        y,
        loss="cross_entropy",
        optimizer=bp.optim.SGD(lr=0.01),
        epochs=6,
        batch_size=5,
        schedule=schedule,
        progress=False,
        seed=0,
    )
    net.save(tmp_path / "net", schedule=schedule, epochs=6)
    saved = bp.load_checkpoint(tmp_path / "net")
    assert saved.epochs == 6
    assert saved.schedule is not None
    assert saved.schedule == schedule
    assert repr(saved.schedule) == repr(schedule)
    if "period=0" in repr(schedule) or "total_steps=0" in repr(schedule):
        return  # only fit knows the length
    for at in range(50):
        assert saved.schedule.lr(0.3, epoch=at, step=2 * at) == schedule.lr(
            0.3, epoch=at, step=2 * at
        )


def test_metadata_are_the_callers_own(tmp_path: Path) -> None:
    metadata = {"": "empty", "network": "no collision", "format": "x", "日本": 'a\n"b"\\\0c'}
    net = example("float32")
    net.save(tmp_path / "net", metadata=metadata)
    assert bp.load_checkpoint(tmp_path / "net").metadata == metadata
    net.save(tmp_path / "net")
    assert bp.load_checkpoint(tmp_path / "net")[1:] == (None, None, 0, 0, {}, bp.History())


def test_files_have_newer_settings_only_if_they_are_used(tmp_path: Path) -> None:
    """So version 0.1 reads the files of networks that do not use them."""
    net = example("float32")
    x, y = batch(net)
    settings: dict[str, Any] = {"loss": "cross_entropy", "epochs": 1, "progress": False}
    schedule = bp.schedules.FlatCosine()
    net.fit(x, y, optimizer="adam", checkpoint=tmp_path / "plain", **settings)
    net.layers[0].bias_lr_scale = 0.5
    net.fit(
        x,
        y,
        optimizer="adam",
        checkpoint=tmp_path / "used",
        dropout_schedule=schedule,
        weight_decay_schedule=schedule,
        **settings,
    )
    plain, used = read(tmp_path / "plain")[0], read(tmp_path / "used")[0]
    assert set(used) - set(plain) == {"dropout_schedule", "weight_decay_schedule"}
    keys = [[set(layer) for layer in json.loads(m["network"])["layers"]] for m in (plain, used)]
    assert [b - a for a, b in zip(*keys, strict=True)] == [{"bias_lr_scale"}, set(), set(), set()]
    memories = [set(json.loads(m["memory"])) for m in (plain, used)]
    assert memories[1] - memories[0] == {"base_weight_decay"}


# ---- errors


def test_what_the_system_refuses_is_an_os_error_with_its_errno(tmp_path: Path) -> None:
    net = example("float32")
    with pytest.raises(FileNotFoundError) as missing:
        bp.load(tmp_path / "missing")
    assert missing.value.errno == errno.ENOENT
    assert missing.value.filename == str(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        net.save(tmp_path / "missing" / "net")
    with pytest.raises(IsADirectoryError):
        net.save(tmp_path)
    with pytest.raises(IsADirectoryError):
        bp.load(tmp_path)
    net.save(tmp_path / "net")
    with pytest.raises(NotADirectoryError):
        net.save(tmp_path / "net" / "below")
    assert names(tmp_path) == ["net"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_an_os_error() -> None:
    with pytest.raises(OSError, match="/dev/full") as full:
        example("float32").save("/dev/full")
    assert full.value.errno == errno.ENOSPC


def test_damaged_files_are_format_errors_that_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net"
    example("float32").save(path)
    sound = path.read_bytes()
    assert issubclass(bp.FormatError, ValueError)
    for damaged in (b"", sound[:-1], sound + b"\0", b"PK\x03\x04" + sound, sound[:200]):
        path.write_bytes(damaged)
        with pytest.raises(bp.FormatError, match="net"):
            bp.load(path)
    path.write_bytes(sound.replace(b'"format_version":"1"', b'"format_version":"9"'))
    with pytest.raises(bp.FormatError, match=r"format version 9.*reads versions up to 1"):
        bp.load(path)


def test_pickles_of_damaged_bytes_are_format_errors() -> None:
    whole = pickle.dumps(example("float32"))
    damaged = whole.replace(b'"format_version":"1"', b'"format_version":"9"')
    assert damaged != whole
    with pytest.raises(bp.FormatError, match="format version 9"):
        pickle.loads(damaged)


def test_a_refused_save_does_not_change_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net"
    net = example("float32")
    net.save(path)
    before = path.read_bytes()
    custom = bp.Network([2, 1], output=bp.activations.Custom(np.sin, np.cos))
    with pytest.raises(ValueError, match="Custom activation"):
        custom.save(path)
    with pytest.raises(ValueError, match="Custom activation"):
        pickle.dumps(custom)
    foreign = bp.optim.Adam()
    other = bp.Network([2, 2], seed=0)
    other.train_step(np.ones((1, 2)), np.ones((1, 2)), loss="mse", optimizer=foreign)
    with pytest.raises(ValueError, match="its state holds 6 parameters, expected 88"):
        net.save(path, optimizer=foreign)
    with pytest.raises(ValueError, match="-1 steps"):
        net.save(path, steps=-1)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["net"]


def test_saving_follows_links_and_keeps_the_mode(tmp_path: Path) -> None:
    net = example("float32")
    net.save(tmp_path / "net")
    (tmp_path / "net").chmod(0o640)
    (tmp_path / "link").symlink_to("net")
    net.parameters[:] = 0.5
    net.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert_same(bp.load(tmp_path / "net"), net)
    assert stat.S_IMODE((tmp_path / "net").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("write", ["save", "atomic_write"])
def test_a_save_by_root_leaves_the_file_to_its_owner(write: str, tmp_path: Path) -> None:
    path = tmp_path / "net"
    path.write_bytes(b"old")
    os.chown(path, 1234, 4321)
    path.chmod(0o640)
    if write == "save":
        example("float32").save(path)
    else:
        with atomic_write(path) as file:
            file.write(b"new")
    info = path.stat()
    assert path.read_bytes() != b"old"
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (1234, 4321, 0o640)


@pytest.mark.parametrize("write", ["save", "atomic_write"])
def test_extended_attributes_stay(write: str, tmp_path: Path) -> None:
    path = tmp_path / "net"
    path.write_bytes(b"old")
    if not hasattr(os, "setxattr"):
        pytest.skip("this system's Python sets no extended attributes")
    try:
        os.setxattr(path, "user.origin", b"a training run")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    # An access control list: owner rw, user 1234 rw, group r, mask rw, others nothing.
    entries = [(1, 6, -1), (2, 6, 1234), (4, 4, -1), (16, 6, -1), (32, 0, -1)]
    access = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(path, "system.posix_acl_access", access)
    if write == "save":
        example("float32").save(path)
    else:
        with atomic_write(path) as file:
            file.write(b"new")
    assert path.read_bytes() != b"old"
    assert os.getxattr(path, "user.origin") == b"a training run"
    assert os.getxattr(path, "system.posix_acl_access") == access


def test_an_error_in_the_block_does_not_change_the_file(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"old")

    def write_half() -> None:
        with atomic_write(path) as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["table"]
    with pytest.raises(OSError, match="missing") as missing, atomic_write(tmp_path / "missing/x"):
        pass
    assert missing.value.errno == errno.ENOENT


# ---- Ctrl-C


def limit_for(act: Callable[[], object]) -> tuple[float, float]:
    """Return how long `act` takes, and the delay to allow on a busy machine."""
    whole = seconds_of(act)
    return whole, 0.3 + whole / 8


@pytest.mark.slow
def test_load_and_save_of_a_large_file_end_soon(tmp_path: Path) -> None:
    net = bp.Network([10_000, 4_000, 10], init="zeros", seed=0)  # 160 MB
    path = tmp_path / "net"
    net.save(path, epochs=1)
    for act in (lambda: bp.load(path), lambda: net.save(path)):
        whole = seconds_of(act)
        first = path.stat().st_mtime_ns, path.stat().st_ino

        def check(first: tuple[int, int] = first) -> None:
            assert (path.stat().st_mtime_ns, path.stat().st_ino) == first
            assert names(tmp_path) == ["net"]

        assert_ends_soon(act, min(0.05, whole / 3), check)


def hostile(count: int) -> bytes:
    """Make a file whose header has `count` tensors of one byte."""
    text = ",".join(
        f'"{i}":{{"dtype":"U8","shape":[],"data_offsets":[{i},{i + 1}]}}' for i in range(count)
    )
    header = ("{" + text + "}").encode()
    return struct.pack("<Q", len(header)) + header + bytes(count)


@pytest.mark.parametrize("kind", ["tensors", "blanks", "string", "escapes"])
def test_a_hostile_header_ends_soon(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if kind == "tensors":
        path.write_bytes(hostile(100_000))
    else:
        unit = {"blanks": b" ", "string": b"x", "escapes": rb"\ud83d\ude00"}[kind]
        many = unit * (10_000_000 // len(unit))
        head = b'{"__metadata__":{"a":"' + many + b'"}}' if kind != "blanks" else b"{" + many + b"}"
        path.write_bytes(struct.pack("<Q", len(head)) + head)

    def load() -> None:
        with pytest.raises(bp.FormatError, match="backpass did not write it"):
            bp.load(path)

    whole, limit = limit_for(load)
    late = seconds_until_interrupted(load, whole / 2)
    assert late is None or late < limit  # None: the call ended before the signal


# ---- earlier versions


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.safetensors")), ids=lambda path: path.stem)
def test_files_of_every_version_load(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    net, optimizer, schedule, epochs, steps, metadata, _ = bp.load_checkpoint(path)
    assert net.dtype == expected["dtype"]
    assert list(net.sizes) == expected["sizes"]
    for layer, settings in zip(net.layers, expected["layers"], strict=True):
        assert repr(layer.activation) == settings["activation"]
        assert (layer.bias is not None) == settings["bias"]
        for name in ("dropout", "trainable", "lr_scale"):
            assert getattr(layer, name) == settings[name]
    parameters = [float.fromhex(text) for text in expected["parameters"]]
    np.testing.assert_array_equal(net.parameters, parameters)
    assert (epochs, steps, metadata) == (
        expected["epochs"],
        expected["steps"],
        expected["metadata"],
    )
    assert repr(optimizer) == expected["optimizer"]
    assert repr(schedule) == expected["schedule"]

    # Instruction sets differ in the last digits of sums of few terms of order 1.
    atol = 100 * float(np.finfo(expected["dtype"]).eps)
    x, labels = np.array(expected["x"]), np.array(expected["labels"])
    np.testing.assert_allclose(net.predict(x), expected["outputs"], rtol=0, atol=atol)
    assert optimizer is not None
    loss = net.train_step(x, labels, loss="cross_entropy", optimizer=optimizer)
    following = expected["next_step"]
    assert loss == pytest.approx(following["loss"], abs=atol)
    np.testing.assert_allclose(net.parameters, following["parameters"], rtol=0, atol=atol)


def test_there_are_files_of_this_or_an_earlier_version() -> None:
    assert len(list(GOLDEN.glob("*.safetensors"))) >= 2
