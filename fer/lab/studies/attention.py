"""The attention of both models: how much of Grad-CAM lies on eyes and mouth, and whether the maps
depend on the learnt weights. Importing this module is cheap; `sanity` imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from fer import emotions, layer_names
from fer.artifacts.model_store import Artifact
from fer.artifacts.packing import Tensors
from fer.data.dataset import Dataset, Split
from fer.inference import gradcam, heads
from fer.inference.gradcam import Explainer
from fer.progress import Progress
from fer.studies.records import Cascade, ModelRegions, RegionFigures, RegionShare, SanityFigures
from fer.vision import regions
from fer.vision.faces import Detector
from fer.vision.preprocessing import batch

BATCH = 16
RESAMPLES = 2000
# Images on which maps are compared with those of randomised networks.
SANITY_IMAGES = 64
# The layers that are randomised, one stage on top of the other, from the output down (Adebayo et
# al. 2018).
STAGES = (
    (layer_names.LOGITS, layer_names.NORM, layer_names.HIDDEN, layer_names.SQUEEZE_EXCITE),
    (layer_names.LAST_CONVOLUTION,),
    ("block5_conv2",),
    ("block5_conv1",),
    ("block4_conv3",),
)


def study(
    data: Dataset,
    explainer: Explainer,
    detector: Detector,
    *,
    seed: int,
    progress: Progress | None = None,
) -> RegionFigures:
    """Return the shares of each model's Grad-CAM mass on `regions.REGIONS` over PrivateTest.

    Each model's own top-1 is explained. A region's `ratio` is its share of the mass divided by its
    share of the area: 1 means no preference. Intervals are 95 % percentile bootstraps over images.
    Images with a blank map have no shares; `blank` is their share of the images.
    """
    rows = data.rows(Split.PRIVATE_TEST)
    landmarks, detected = regions.find(data.images[rows], detector)
    masks = [regions.masks(points) for points in landmarks]
    area = {name: float(np.mean([m[name].mean() for m in masks])) for name in regions.REGIONS}
    shares: dict[str, list[NDArray[np.float64]]] = {key: [] for key in explainer.heads}
    for start in range(0, len(rows), BATCH):
        batch_rows = rows[start : start + BATCH]
        for key, maps in explainer.maps(data.images[batch_rows]).items():
            head = explainer.heads[key]
            heats = gradcam.grad_cam(maps, head, head.logits(maps).argmax(axis=1))
            shares[key].append(_shares(heats, masks[start : start + len(batch_rows)]))
        if progress is not None:
            progress(start + len(batch_rows), len(rows))
    labels = data.labels[rows]
    rng = np.random.default_rng(seed)
    by_model = {key: np.concatenate(values) for key, values in shares.items()}
    models: dict[str, ModelRegions] = {
        key: {
            "blank": float(np.isnan(values[:, 0]).mean()),
            "all": _summary(values, area, rng),
            "per_class": {
                emotion: _summary(values[labels == label], area, rng)
                for label, emotion in enumerate(emotions.KEYS)
            },
        }
        for key, values in by_model.items()
    }
    record: RegionFigures = {
        "split": Split.PRIVATE_TEST.value,
        "layer": layer_names.LAST_CONVOLUTION,
        "explained": "each model's top-1",
        "images": len(rows),
        "landmarks_detected": float(detected.mean()),
        "area": area,
        "models": models,
    }
    if set(by_model) == {"baseline", "proposed"}:
        difference = by_model["proposed"] - by_model["baseline"]
        record["proposed_minus_baseline"] = _summary(difference, None, rng)
    return record


def _shares(
    heats: NDArray[np.float32], masks: Sequence[dict[str, NDArray[np.bool_]]]
) -> NDArray[np.float64]:
    """Return the share of each map's sum on each region, (n, 3); NaN for a blank map."""
    shares = np.full((len(heats), len(regions.REGIONS)), np.nan)
    for image, (heat, mask) in enumerate(zip(heats, masks, strict=True)):
        enlarged = gradcam.enlarge(heat)
        total = float(enlarged.sum())
        if total > 0:
            shares[image] = [float(enlarged[mask[name]].sum()) / total for name in regions.REGIONS]
    return shares


def _summary(
    shares: NDArray[np.float64], area: dict[str, float] | None, rng: np.random.Generator
) -> dict[str, RegionShare]:
    shares = shares[~np.isnan(shares[:, 0])]
    if len(shares) == 0:
        return {}
    draws = rng.integers(0, len(shares), (RESAMPLES, len(shares)))
    summary: dict[str, RegionShare] = {}
    for column, name in enumerate(regions.REGIONS):
        share = float(shares[:, column].mean())
        means = shares[:, column][draws].mean(axis=1)
        summary[name] = {
            "share": share,
            "interval": [float(v) for v in np.percentile(means, [2.5, 97.5])],
        }
        if area is not None:
            summary[name]["ratio"] = share / area[name]
    return summary


def sanity(
    data: Dataset,
    models: Sequence[Artifact],
    *,
    seed: int,
    images: int = SANITY_IMAGES,
    progress: Progress | None = None,
) -> SanityFigures:
    """Measure how maps change as the network is randomised from its output down (Adebayo et al.
    2018).

    Each image's map is compared with its map in the trained network by rank correlation (Spearman),
    for the class that the trained network answers; blank maps count as 0. A method that explains
    the model and not the image loses its correlation on the way.
    """
    rows = data.rows(Split.PRIVATE_TEST)
    drawn = np.random.default_rng(seed).choice(rows, min(images, len(rows)), replace=False)
    faces = data.images[np.sort(drawn)]
    cascades: dict[str, Cascade] = {}
    for done, model in enumerate(models):
        cascades[model.key] = _cascade(model, faces, seed)
        if progress is not None:
            progress(done + 1, len(models))
    return {"images": len(faces), "stages": ["/".join(s) for s in STAGES], "models": cascades}


def _cascade(model: Artifact, faces: NDArray[np.uint8], seed: int) -> Cascade:
    from fer.lab import keras_backend

    network = keras_backend.ReferenceBackend([model])
    tensors = model.weights()
    rng = np.random.default_rng(seed)

    def maps() -> NDArray[np.float32]:
        size, layer = model.scenario.input_size, layer_names.LAST_CONVOLUTION
        batches = [
            network.outputs(batch(faces[start : start + BATCH], size), layer)[model.key]
            for start in range(0, len(faces), BATCH)
        ]
        return np.concatenate(batches)

    features = maps()
    head = heads.from_tensors(model.scenario, tensors)
    targets = head.logits(features).argmax(axis=1)
    trained = gradcam.grad_cam(features, head, targets)
    means, deviations = [], []
    for stage in STAGES:
        new_values = randomised(tensors, stage, rng)
        tensors = {**tensors, **new_values}
        convolutions = {n: v for n, v in new_values.items() if n.startswith("block")}
        if convolutions:
            network.assign(model.key, convolutions)
            features = maps()
        head = heads.from_tensors(model.scenario, tensors)
        heats = gradcam.grad_cam(features, head, targets)
        correlations = [_rank_correlation(a, b) for a, b in zip(trained, heats, strict=True)]
        means.append(float(np.mean(correlations)))
        deviations.append(float(np.std(correlations)))
    return {"mean": means, "standard_deviation": deviations}


def _rank_correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    if a.max() == a.min() or b.max() == b.min():
        return 0.0
    return float(spearmanr(a.ravel(), b.ravel()).statistic)


def randomised(tensors: Tensors, layers: Sequence[str], rng: np.random.Generator) -> Tensors:
    """Return random values for every variable of these layers, with the mean and deviation of the
    learnt ones.

    The signal so keeps its strength and only the learnt structure is lost. Variances of batch
    normalisation stay: they must be positive.
    """
    return {
        name: rng.normal(value.mean(), value.std(), value.shape).astype(np.float32)
        for name, value in tensors.items()
        if name.split("/")[0] in layers and not name.endswith("moving_variance")
    }
