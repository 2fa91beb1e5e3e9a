"""Export of the networks that answer under OpenVINO, with known answers: in full precision as soon
as a model is published, in int8 once they are calibrated.

Importing this module imports TensorFlow.
"""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from fer import FerError, emotions, files, layer_names
from fer.artifacts import intact, model_store
from fer.data import aggregates
from fer.data.dataset import TEST_SPLITS, Dataset, Split
from fer.evaluation import metrics
from fer.inference import classification, openvino_backend
from fer.inference.calibrate import softmax
from fer.inference.records import FAST_EXPORT, Calibration, FastExport, Fidelity
from fer.lab import keras_backend
from fer.lab.evaluation import evaluate
from fer.progress import Progress
from fer.vision.preprocessing import batch

if TYPE_CHECKING:
    import openvino

CALIBRATION_IMAGES = 300
SEED = 2013


def export_fast(
    data: Dataset,
    folder: Path = model_store.FOLDER,
    aggregates_folder: Path = aggregates.FOLDER,
    *,
    images: int = CALIBRATION_IMAGES,
    progress: Progress | None = None,
) -> FastExport:
    """Write `fast/` in the models' folder with int8 networks and return its record.

    Convolutions become int8 by post-training quantisation (Nagel et al. 2021, section 4; NNCF),
    calibrated on Training images only, equally many of each class. Then both test splits are
    classified, and the differences from the stored float32 predictions are recorded. Raise FerError
    if NNCF or OpenVINO is not installed, there is no evaluated model, a file is damaged, or the
    folder cannot be written.
    """
    models = intact.require(folder)
    if not models:
        raise FerError("There is no trained model in {folder}; run: fer train", folder=folder)
    # Read first, because what follows takes minutes.
    probes, _ = aggregates.read_class_faces(aggregates_folder)
    chosen = calibration_rows(data, images)
    calibration: Calibration = {
        "split": Split.TRAINING.value,
        "images": len(chosen),
        "seed": SEED,
        "data_sha256": data.digest,
    }
    _write_export(models, folder, probes, data.images[chosen], calibration)
    return measure(data, folder, progress=progress)


def export_exact(
    folder: Path = model_store.FOLDER, aggregates_folder: Path = aggregates.FOLDER
) -> FastExport:
    """Write `fast/` with the networks in full precision and return its record.

    It takes no images and no NNCF, so that what is published answers at once; `export_fast` then
    makes the networks several times faster. Raise FerError if OpenVINO is not installed, a file is
    damaged, or the folder cannot be written.
    """
    probes, _ = aggregates.read_class_faces(aggregates_folder)
    # Metrics may be missing or old here: they are measured after publishing.
    models = intact.require(folder, with_metrics=False)
    return _write_export(models, folder, probes, None, None)


def _write_export(
    models: dict[str, model_store.Artifact],
    folder: Path,
    probes: NDArray[np.uint8],
    faces: NDArray[np.uint8] | None,
    calibration: Calibration | None,
) -> FastExport:
    """Write one network for all models of an input size, their record, and their known answers for
    the probes (n, 48, 48).

    Args:
        faces: the images that int8 activations are calibrated on, (m, 48, 48); None for full
            precision.
    """
    target = folder / model_store.FAST
    networks: dict[str, str] = {}
    groups = model_store.by_input_size(models.values())
    for size, group in groups.items():
        name = f"{'float' if faces is None else 'int8'}-{size}.xml"
        _write_network(keras_backend.joined(group), size, faces, target / name)
        networks[str(size)] = name
    packages = ("openvino", "keras", "tensorflow", *(() if faces is None else ("nncf",)))
    record: FastExport = {
        "weights_sha256": {key: model.digest for key, model in models.items()},
        "networks": networks,
        "files_sha256": {
            path.name: model_store.sha256(path)
            for name in networks.values()
            for path in (target / name, (target / name).with_suffix(".bin"))
        },
        "calibration": calibration,
        "versions": {name: version(name) for name in packages},
    }
    FAST_EXPORT.write(folder, record)
    backend = openvino_backend.FastBackend(list(models.values()), folder)
    logits: dict[str, NDArray[np.float32]] = {}
    for size in groups:
        logits |= backend.outputs(batch(probes, size), layer_names.LOGITS)
    _write_probe(target, probes, logits)
    current = {openvino_backend.RECORD, openvino_backend.PROBE, *record["files_sha256"]}
    for path in target.iterdir():
        if path.name not in current:
            path.unlink()
    return record


def measure(
    data: Dataset, folder: Path = model_store.FOLDER, *, progress: Progress | None = None
) -> FastExport:
    """Measure how far the int8 networks are from the stored float32 predictions, by model and test
    split, add it to their record, and return the record. Raise FerError if there is no export of
    these weights or no stored prediction, or if their images are not in the data set."""
    classifier = classification.load(folder)
    record = FAST_EXPORT.require(folder)
    stored = {key: model.predictions() for key, model in classifier.models.items()}
    sources = next(iter(stored.values())).sources.tolist()
    missing = [source for source in sources if source not in data.row_of]
    if missing:
        raise FerError(
            "{count} of the images that the stored predictions are of are not imported (the first: "
            "{source}); import FER-2013 or run: fer evaluate",
            count=len(missing),
            source=missing[0],
        )
    images = data.images[[data.row_of[source] for source in sources]]
    fidelity: dict[str, dict[str, Fidelity]] = {}
    for key, logits in evaluate.logits(classifier, images, progress).items():
        all_int8 = softmax(logits, classifier.models[key].temperature)
        fidelity[key] = {}
        for split in TEST_SPLITS:
            exact, int8 = stored[key].of(split), all_int8[stored[key].splits == split.value]
            float32 = exact.probabilities
            fidelity[key][split.value] = {
                "accuracy": metrics.top1_accuracy(exact.labels, int8),
                "float32_accuracy": metrics.top1_accuracy(exact.labels, float32),
                "top1_agreement": float((int8.argmax(1) == float32.argmax(1)).mean()),
                "mean_absolute_difference": float(np.abs(int8 - float32).mean()),
            }
    record["fidelity"] = fidelity
    FAST_EXPORT.write(folder, record)
    return record


def calibration_rows(data: Dataset, images: int) -> NDArray[np.int64]:
    """Return rows of Training images, equally many of each class as far as there are enough."""
    rng = np.random.default_rng(SEED)
    per_class = -(-images // emotions.COUNT)
    chosen = []
    for key in emotions.KEYS:
        rows = data.rows(Split.TRAINING, key)
        chosen.append(rng.choice(rows, min(per_class, len(rows)), replace=False))
    return np.sort(np.concatenate(chosen))


def _write_network(
    network: keras.Model, size: int, faces: NDArray[np.uint8] | None, path: Path
) -> None:
    """Write a network of (n, S, S, 3) to logits by model key for OpenVINO, in int8 if there are
    faces to calibrate it on. Raise FerError if OpenVINO is not installed or fails."""
    openvino_backend.core()
    import openvino

    signature = [keras.InputSpec(dtype="float32", shape=(None, size, size, 3))]
    with tempfile.TemporaryDirectory() as folder:
        saved, written = Path(folder) / "saved", Path(folder) / path.name
        network.export(saved, format="tf_saved_model", verbose=False, input_signature=signature)
        model = openvino.convert_model(saved, input=[-1, size, size, 3])
        # A SavedModel lists its outputs sorted by key.
        for output, key in zip(model.outputs, sorted(network.output), strict=True):
            output.get_tensor().set_names({key})
        openvino.save_model(model if faces is None else quantise(model, size, faces), written)
        for suffix in (".bin", ".xml"):
            with files.replacing(path.with_suffix(suffix)) as temporary:
                temporary.write_bytes(written.with_suffix(suffix).read_bytes())


def quantise(exact: openvino.Model, size: int, faces: NDArray[np.uint8]) -> openvino.Model:
    """Return an OpenVINO model in int8, calibrated on faces (m, 48, 48) uint8. Raise FerError if
    NNCF is not installed."""
    # NNCF reports its use to its makers unless this says that it runs in their own tests.
    os.environ.setdefault("NNCF_CI", "1")
    try:
        import nncf
    except ImportError as error:
        raise FerError(
            '{package} is not installed; in the repository run: pip install -e ".[export]"',
            package=error.name,
        ) from error
    convolutions = (op for op in exact.get_ordered_ops() if op.get_type_name() == "Convolution")
    return nncf.quantize(
        exact,
        nncf.Dataset([batch([face], size) for face in faces]),
        preset=nncf.QuantizationPreset.PERFORMANCE,
        subset_size=len(faces),
        # Kept in floating point: the heads, which take a thousandth of the time and would make a
        # third of int8's errors, and the first convolution, a fiftieth of the time and two fifths.
        ignored_scope=nncf.IgnoredScope(
            names=[next(convolutions).get_friendly_name()],
            # Operations that the heads have and VGG16's convolutions have not.
            types=["Concat", "MatMul", "Multiply", "ReduceMean"],
            validate=False,
        ),
        # The exact correction takes a minute more; of 700 answers of the baseline on PublicTest,
        # int8 then changes 11 instead of 18.
        fast_bias_correction=False,
    )


def _write_probe(
    folder: Path, faces: NDArray[np.uint8], logits: dict[str, NDArray[np.float32]]
) -> None:
    with files.replacing(folder / openvino_backend.PROBE) as temporary:
        temporary.write_bytes(save({"faces": np.ascontiguousarray(faces), **logits}))
