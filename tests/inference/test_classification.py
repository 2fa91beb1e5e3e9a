"""Both models in one pass: backends agree, fall back in words, and are safe between threads."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from fer import FerError, files, layer_names
from fer.artifacts import model_store
from fer.data import aggregates, dataset
from fer.data.dataset import Split
from fer.inference import classification, openvino_backend
from fer.inference.calibrate import softmax
from fer.lab.export import int8
from fer.vision import preprocessing
from tests.support.making import ROOT, face_like, in_keras, until

MODELS = ROOT / "models"


@pytest.fixture(scope="session")
def exported(
    small_models: Path, small_data: dataset.Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "models"
    shutil.copytree(small_models, folder)
    int8.export_fast(small_data, folder, ROOT / aggregates.FOLDER, images=14)
    return folder


@pytest.fixture
def own(exported: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    shutil.copytree(exported, tmp_path / "models")
    return tmp_path / "models"


def faces(count: int = 6) -> list[np.ndarray]:
    return [face_like(seed) for seed in range(count)]


def probabilities(classifier: classification.Classifier) -> np.ndarray:
    return np.array(
        [[p.probabilities for p in answer.values()] for answer in classifier.predict(faces())]
    )


def test_fast_backend_answers_like_the_reference(exported: Path) -> None:
    quick = classification.load(exported)
    exact = in_keras(exported)
    # Eight bits round a narrow network's few channels by more than a whole one's.
    assert np.abs(probabilities(quick) - probabilities(exact)).max() < 0.2
    assert np.ptp(probabilities(exact)[:, 0], axis=0).max() > 0.05, "the models say one thing only"


def test_a_model_on_its_own_is_computed_alone(exported: Path) -> None:
    found = list(model_store.available(exported).values())
    inputs = preprocessing.batch(faces(), 32)
    both, alone = (openvino_backend.FastBackend(m, exported) for m in (found, found[:1]))

    def layers(backend: openvino_backend.FastBackend) -> int:
        return len(backend._requests[32].get_compiled_model().get_runtime_model().get_ops())

    assert layers(alone) < layers(both)
    ((key, logits),) = alone.outputs(inputs, layer_names.LOGITS).items()
    assert np.abs(logits - both.outputs(inputs, layer_names.LOGITS)[key]).max() < 1e-3


def test_export_records_what_it_was_made_of(exported: Path, small_data: dataset.Dataset) -> None:
    record = files.read_json(exported / model_store.FAST / openvino_backend.RECORD)
    assert record["calibration"]["images"] == 14
    assert record["calibration"]["data_sha256"] == small_data.digest
    rows = int8.calibration_rows(small_data, 14)
    assert {str(split) for split in small_data.splits[rows]} == {Split.TRAINING.value}
    assert np.bincount(small_data.labels[rows]).tolist() == [2] * 7
    for row in record["fidelity"]["proposed"].values():
        assert abs(row["accuracy"] - row["float32_accuracy"]) <= 0.2
    assert list(record["networks"]) == ["32"], "models of one size share one network"


def test_export_is_measured_again_without_being_made_again(
    own: Path, small_data: dataset.Dataset
) -> None:
    fast_folder = own / model_store.FAST
    before = files.read_json(fast_folder / openvino_backend.RECORD)
    files.write_json(fast_folder / openvino_backend.RECORD, {**before, "fidelity": {}})
    made = {path.name: path.stat().st_mtime_ns for path in fast_folder.iterdir()}
    record = int8.measure(small_data, own)
    assert record["fidelity"] == before["fidelity"]
    assert files.read_json(fast_folder / openvino_backend.RECORD) == record
    for path in fast_folder.iterdir():
        if path.name != openvino_backend.RECORD:
            assert path.stat().st_mtime_ns == made[path.name]


def test_shared_trunk_equals_two_separate_models() -> None:
    from fer.lab import keras_backend

    found = [
        replace(model, scenario=replace(model.scenario, input_size=64))
        for model in model_store.available(MODELS).values()
    ]
    inputs = preprocessing.batch(faces(4), 64)
    together = keras_backend.ReferenceBackend(found).outputs(inputs, layer_names.LOGITS)
    for model in found:
        alone = keras_backend.build_from(model).predict_on_batch(inputs)
        difference = softmax(np.asarray(alone)) - softmax(together[model.key])
        assert np.abs(difference).max() <= 1e-5


def test_fast_backend_needs_no_tensorflow(exported: Path) -> None:
    program = (
        "import sys, pathlib, numpy\n"
        "from fer.inference import classification\n"
        f"c = classification.load(pathlib.Path({str(exported)!r}))\n"
        "c.predict([numpy.zeros((48, 48), numpy.uint8)])\n"
        "heavy = {'tensorflow', 'keras', 'nncf', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-2000:]


def make_stale(folder: Path) -> None:
    record = files.read_json(folder / openvino_backend.RECORD)
    record["weights_sha256"]["proposed"] = "0" * 64
    files.write_json(folder / openvino_backend.RECORD, record)


def damage(folder: Path) -> None:
    path = folder / "int8-32.bin"
    path.write_bytes(path.read_bytes()[:-10])


def falsify(folder: Path) -> None:
    known = load_file(folder / openvino_backend.PROBE)
    known["proposed"] += 1
    (folder / openvino_backend.PROBE).write_bytes(save(known))


def empty_probe(folder: Path) -> None:
    (folder / openvino_backend.PROBE).write_bytes(save({"other": np.zeros(1, np.float32)}))


def forget_one_model(folder: Path) -> None:
    known = load_file(folder / openvino_backend.PROBE)
    del known["proposed"]
    (folder / openvino_backend.PROBE).write_bytes(save(known))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (make_stale, "made from other weights of proposed"),
        (damage, "int8-32.bin is missing or damaged"),
        (empty_probe, "probe.safetensors is missing or damaged"),
        (forget_one_model, "probe.safetensors is missing or damaged"),
        (falsify, "computes int8 differently"),
        (shutil.rmtree, "export.json is missing or damaged"),
    ],
)
def test_what_is_wrong_with_the_fast_backend_is_told(own: Path, spoil, says: str) -> None:
    spoil(own / model_store.FAST)
    with pytest.raises(FerError, match=says):
        classification.load(own)


def test_without_openvino_one_sentence_says_what_to_install(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(FerError, match="pip install openvino"):
        classification.load(exported)


@pytest.mark.parametrize("error", [RuntimeError, AttributeError, OSError, ImportError])
@pytest.mark.parametrize("place", ["import", "Core", "infer"])
def test_openvino_that_fails_in_any_way_is_one_sentence(
    exported: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception], place: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("libopenvino.so: wrong version")

    class Broken:
        def __getattr__(self, name: str) -> None:
            fail()

    if place == "import":
        monkeypatch.setitem(sys.modules, "openvino", Broken())
    elif place == "Core":
        monkeypatch.setattr("openvino.Core", fail)
    else:
        monkeypatch.setattr(openvino_backend.FastBackend, "outputs", fail)
    says = r"OpenVINO cannot be used here \(libopenvino.so: wrong version\)"
    with pytest.raises(FerError, match=says):
        classification.load(exported)


def test_what_is_published_answers_in_full_precision_before_it_is_exported(
    small_models: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(small_models, tmp_path / "models"))
    with pytest.raises(FerError, match="fer export"):
        classification.load(folder)
    record = int8.export_exact(folder, ROOT / aggregates.FOLDER)
    assert record["calibration"] is None
    exact = probabilities(in_keras(folder))
    assert np.abs(probabilities(classification.load(folder)) - exact).max() < 0.01


def test_threads_do_not_mix_their_answers(exported: Path) -> None:
    classifier = classification.load(exported)
    alone = [classifier.logits([face])["proposed"] for face in faces(16)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda f: classifier.logits([f])["proposed"], faces(16) * 4))
    for position, found in enumerate(together):
        assert np.array_equal(found, alone[position % 16])


def test_any_number_of_faces_in_one_call(exported: Path) -> None:
    classifier = classification.load(exported)
    for ask in (classifier.logits, classifier.maps):
        one_by_one = np.concatenate([ask([face])["baseline"] for face in faces()])
        assert np.allclose(ask(faces())["baseline"], one_by_one, atol=1e-4)
    assert classifier.logits([])["baseline"].shape == (0, 7)


def test_other_threads_go_on_while_a_network_computes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    classifier = classification.load(MODELS)
    outputs = classifier._backend.outputs
    ticks, inside, done = [0], [0], threading.Event()

    def counted(inputs: np.ndarray, layer: str) -> dict[str, np.ndarray]:
        before = ticks[0]
        found = outputs(inputs, layer)
        inside[0] = max(inside[0], ticks[0] - before)
        return found

    def tick() -> None:
        while not done.wait(0.001):
            ticks[0] += 1

    monkeypatch.setattr(classifier._backend, "outputs", counted)
    watcher = threading.Thread(target=tick)
    watcher.start()

    def many_inside_one_call() -> bool:
        classifier.logits(faces(16))
        return inside[0] >= 5

    # Were the GIL held, no call would see more than the tick before and the one after it.
    until(many_inside_one_call)
    done.set()
    watcher.join()


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((114, 113), np.uint8),
        np.zeros((2, 48, 48), np.float32),
        np.zeros((2, 48, 48, 3), np.uint8),
        np.zeros((2, 0, 48), np.uint8),
        [np.zeros((48, 48))],
        [np.zeros(48, np.uint8)],
        [[[0, 1], [2, 3]]],
        ["a.jpg"],
        "a.jpg",
        None,
    ],
    ids=lambda given: str(getattr(given, "shape", given))[:20],
)
def test_what_is_no_gray_faces_is_refused(given: object) -> None:
    unasked = SimpleNamespace(name="unasked")
    classifier = classification.Classifier(model_store.available(MODELS), unasked, "int8")  # type: ignore[arg-type]
    for ask in (classifier.predict, classifier.logits, classifier.maps):
        with pytest.raises(FerError, match="Gray faces are a NumPy array"):
            ask(given)  # type: ignore[arg-type]


# The frozen baseline's confidences lie closer together: more of its answers are ties that any
# rounding decides, at the same accuracy.
LEAST_AGREEMENT = {"baseline": 0.97, "proposed": 0.985}


def test_committed_fast_backend_is_faithful() -> None:
    record = files.read_json(MODELS / model_store.FAST / openvino_backend.RECORD)
    for key, model in model_store.available(MODELS).items():
        assert record["weights_sha256"][key] == model.digest
        private = record["fidelity"][key][Split.PRIVATE_TEST.value]
        assert abs(private["accuracy"] - private["float32_accuracy"]) <= 0.003
        assert private["top1_agreement"] >= LEAST_AGREEMENT[key]
    assert record["calibration"]["split"] == Split.TRAINING.value
