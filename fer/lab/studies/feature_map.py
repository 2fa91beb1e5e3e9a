"""A map of the test images: those whose features are alike lie beside each other in two
dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer.data.dataset import Dataset, Split
from fer.inference.gradcam import Explainer
from fer.progress import Progress
from fer.studies.feature_map import COMPONENTS, PERPLEXITY, digest_of, packed
from fer.studies.records import MapFigures, ModelMap

BATCH = 32
# Of how many nearest neighbours on the map trustworthiness asks whether they are near in truth.
NEIGHBOURS = 15


def study(
    data: Dataset, explainer: Explainer, *, seed: int, progress: Progress | None = None
) -> MapFigures:
    """Return the place of each PrivateTest image on each model's map, and how far to trust the map.

    Pooled features go through PCA (`COMPONENTS`), then t-SNE (van der Maaten & Hinton 2008).
    `trustworthiness` (Venna & Kaski 2001): 1 if all neighbours on the map are neighbours among the
    features, too.
    """
    rows = data.rows(Split.PRIVATE_TEST)
    collected: dict[str, list[NDArray[np.float32]]] = {key: [] for key in explainer.heads}
    for start in range(0, len(rows), BATCH):
        chosen = rows[start : start + BATCH]
        for key, maps in explainer.maps(data.images[chosen]).items():
            collected[key].append(explainer.heads[key].features(maps))
        if progress is not None:
            progress(start + len(chosen), len(rows))
    # Trustworthiness is defined for fewer than half of the images.
    neighbours = min(NEIGHBOURS, (len(rows) - 1) // 2)
    return {
        "split": Split.PRIVATE_TEST.value,
        "images": len(rows),
        "sources_sha256": digest_of(data.sources[rows]),
        "neighbours": neighbours,
        "models": {
            key: _map(np.concatenate(parts).astype(np.float64), neighbours, seed)
            for key, parts in collected.items()
        },
    }


def _map(features: NDArray[np.float64], neighbours: int, seed: int) -> ModelMap:
    # Imported here: it takes seconds, and reading a map does without.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE, trustworthiness

    reduction = PCA(min(COMPONENTS, *features.shape), random_state=seed)
    reduced = reduction.fit_transform(features)
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced)
    return {
        "coordinates": packed(places),
        "trustworthiness": float(trustworthiness(features, places, n_neighbors=neighbours)),
        "variance_kept": float(reduction.explained_variance_ratio_.sum()),
    }
