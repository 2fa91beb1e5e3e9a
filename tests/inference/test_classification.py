"""Both models in one pass: backends agree, fall back in words, and answer threads in turn."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from fer import FerError, files
from fer.artifacts import model_store
from fer.data import aggregates
from fer.data.dataset import Dataset, Split
from fer.inference import classification, exact_backend, openvino_backend
from fer.inference.calibrate import softmax
from fer.inference.fair_queue import FairQueue
from fer.inference.feature_maps import LAYERS, FeatureMaps, is_shared
from fer.lab.export import int8
from tests.support.making import PATIENCE, ROOT, face_like, in_keras, until

MODELS = ROOT / "models"


@pytest.fixture(scope="session")
def exported(
    small_models: Path, small_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "models"
    shutil.copytree(small_models, folder)
    int8.export_fast(small_data, folder, ROOT / aggregates.FOLDER, images=14)
    return folder


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


def test_export_records_what_it_was_made_of(exported: Path, small_data: Dataset) -> None:
    record = files.read_json(exported / model_store.FAST / openvino_backend.RECORD)
    assert record["calibration"]["images"] == 14
    assert record["calibration"]["data_sha256"] == small_data.digest
    rows = int8.calibration_rows(small_data, 14)
    assert {str(split) for split in small_data.splits[rows]} == {Split.TRAINING.value}
    assert np.bincount(small_data.labels[rows]).tolist() == [2] * 7
    assert list(record["networks"]) == ["32"], "models of one size share one network"


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


def test_what_is_wrong_with_the_fast_backend_is_told(exported: Path, tmp_path: Path) -> None:
    own = shutil.copytree(exported, tmp_path / "models")
    folder = own / model_store.FAST
    record = files.read_json(folder / openvino_backend.RECORD)
    stale = {**record["weights_sha256"], "proposed": "0" * 64}
    files.write_json(folder / openvino_backend.RECORD, {**record, "weights_sha256": stale})
    with pytest.raises(FerError, match="made from other weights of proposed"):
        classification.load(own)
    files.write_json(folder / openvino_backend.RECORD, record)
    known = load_file(folder / openvino_backend.PROBE)
    for probe, says in (
        ({"baseline": known["baseline"]}, "probe.safetensors is missing or damaged"),
        ({**known, "proposed": known["proposed"] + 1}, "computes int8 differently"),
    ):
        (folder / openvino_backend.PROBE).write_bytes(save(probe))
        with pytest.raises(FerError, match=says):
            classification.load(own)
    shutil.rmtree(folder)
    with pytest.raises(FerError, match=r"export\.json is missing or damaged"):
        classification.load(own)


@pytest.mark.parametrize("place", ["nowhere", "import", "infer"])
def test_openvino_that_fails_in_any_way_is_one_sentence(
    exported: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("libopenvino.so: wrong version")

    says = r"OpenVINO cannot be used here \(libopenvino.so: wrong version\)"
    if place == "nowhere":
        monkeypatch.setitem(sys.modules, "openvino", None)
        says = "pip install openvino"
    elif place == "import":
        monkeypatch.setitem(sys.modules, "openvino", type("Broken", (), {"__getattr__": fail})())
    else:
        monkeypatch.setattr(openvino_backend.FastBackend, "outputs", fail)
    with pytest.raises(FerError, match=says):
        classification.load(exported)


def test_what_is_published_answers_in_full_precision_before_it_is_exported(
    small_models: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(small_models, tmp_path / "models")
    with pytest.raises(FerError, match="fer export"):
        classification.load(folder)
    assert int8.export_exact(folder, ROOT / aggregates.FOLDER)["calibration"] is None
    classifier = classification.load(folder)
    assert np.abs(probabilities(classifier) - probabilities(in_keras(folder))).max() < 0.01
    # Models of one size have one trunk.
    together = FeatureMaps(classifier, folder)
    maps = together.of(face_like(1))
    first, second = maps
    assert together.trunk == first
    assert set(maps[first]) - set(maps[second]) == {x for x in LAYERS if is_shared(x)}
    for model, values in classifier.maps([face_like(1)]).items():
        assert maps[model]["block5_conv3"] == pytest.approx(values[0], abs=1e-4)


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


def test_what_is_no_gray_faces_is_refused() -> None:
    unasked = SimpleNamespace(name="unasked")
    classifier = classification.Classifier(model_store.available(MODELS), unasked, "int8")  # type: ignore[arg-type]
    one, floats, empty = np.zeros((9, 9), np.uint8), np.zeros((2, 48, 48)), np.zeros((2, 0, 48))
    for given in (one, floats, empty.astype(np.uint8), [np.zeros(48, np.uint8)], "a.jpg"):
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


def test_exact_maps_and_logits_are_those_of_keras(small_models: Path) -> None:
    exact, reference, images = exact_backend.load(small_models), in_keras(small_models), faces()
    for ask in ("maps", "logits"):
        found, expected = getattr(exact, ask)(images), getattr(reference, ask)(images)
        assert list(found) == list(expected)
        for key, values in expected.items():
            assert values.max() > 0
            assert np.abs(found[key] - values).max() <= 1e-4 * np.abs(values).max()


@pytest.mark.fer2013
def test_exact_probabilities_are_the_stored_ones(real_data: Dataset) -> None:
    classifier = exact_backend.load(MODELS, ["proposed"])
    model = classifier.models["proposed"]
    stored = model.predictions().of(Split.PRIVATE_TEST)
    rows = real_data.rows(Split.PRIVATE_TEST)
    assert (stored.sources == real_data.sources[rows]).all()
    logits = classifier.logits(real_data.images[rows[::120]])["proposed"]
    found = softmax(logits, model.temperature)
    assert found == pytest.approx(stored.probabilities[::120], abs=1e-4)


class Slow:
    """A backend that waits for its gate, and keeps record of who asked and how much at once."""

    name = "slow"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.gate = threading.Event()
        self._inside = threading.Lock()

    def outputs(self, inputs: np.ndarray, layer: str) -> dict[str, np.ndarray]:
        assert self._inside.acquire(blocking=False), "two callers at once"
        self.asked.append((threading.current_thread().name, len(inputs)))
        self.gate.wait(PATIENCE)
        self._inside.release()
        return {"proposed": np.zeros((len(inputs), 7), np.float32)}


def in_threads(
    *jobs: Callable[[], object], between: Callable[[int], bool]
) -> list[threading.Thread]:
    """Threads named 0, 1, …, each begun when the one before it has come so far."""
    threads = []
    for number, job in enumerate(jobs):
        thread = threading.Thread(target=job, name=str(number), daemon=True)
        thread.start()
        until(lambda number=number: between(number))  # type: ignore[misc]
        threads.append(thread)
    return threads


def test_first_come_first_served() -> None:
    queue, order = FairQueue(), []
    release = threading.Event()

    def first() -> None:
        with queue.turn():
            release.wait(PATIENCE)

    def other() -> None:
        with queue.turn():
            order.append(int(threading.current_thread().name))

    threads = in_threads(first, *[other] * 9, between=lambda number: queue.waiting == number)
    release.set()
    for thread in threads:
        thread.join()
    assert order == list(range(1, 10))
    with pytest.raises(ZeroDivisionError), queue.turn():
        raise ZeroDivisionError
    with queue.turn():
        assert queue.waiting == 0, "a turn that fails is over"


def test_a_crowd_lets_others_in_between() -> None:
    slow = Slow()
    found = model_store.available(ROOT / "models")
    asked = classification.Classifier({"proposed": found["proposed"]}, slow, "none")
    answers: list[object] = []
    threads = in_threads(
        lambda: answers.extend(asked.predict([face_like(seed) for seed in range(4)])),
        lambda: asked.predict([face_like(1)]),
        between=lambda number: len(slow.asked) == 1 and asked.queue.waiting == number,
    )
    slow.gate.set()
    for thread in threads:
        thread.join()
    assert slow.asked == [("0", 1), ("1", 1), ("0", 1), ("0", 1), ("0", 1)]
    assert len(answers) == 4
