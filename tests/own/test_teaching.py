"""A visitor's own head: fitted at once, as scikit-learn fits it, and safe to take home and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fer import FerError, emotions
from fer.data import sample
from fer.inference import classification, gradcam
from fer.own import teaching
from fer.own.teaching import Frame
from tests.support.making import ROOT

DIGESTS = {"baseline": "a" * 64, "proposed": "b" * 64}
SIZES = {"baseline": 24, "proposed": 12}


def clusters(each: int = 10, noise: float = 0.6) -> list[Frame]:
    """Return frames of three emotions whose features lie around a centre for each."""
    rng = np.random.default_rng(4)
    centres = {key: rng.normal(size=(emotions.COUNT, size)) for key, size in SIZES.items()}
    frames = []
    for label in np.repeat((0, 3, 6), each).tolist():
        vectors = {
            key: centre[label] + noise * rng.normal(size=centre.shape[1])
            for key, centre in centres.items()
        }
        unit = {k: (v / np.linalg.norm(v)).astype(np.float32) for k, v in vectors.items()}
        frames.append(Frame(np.zeros((48, 48), np.uint8), label, unit))
    return frames


def test_it_is_logistic_regression() -> None:
    frames = clusters(noise=1.5)
    taught, left_out = teaching.teach(frames, DIGESTS)
    labels = np.array([frame.label for frame in frames])
    features = {key: np.stack([frame.features[key] for frame in frames]) for key in DIGESTS}
    regression = LogisticRegression(
        C=teaching.STRENGTH, fit_intercept=False, tol=1e-8, max_iter=2000
    )
    for key, probabilities in taught.probabilities(features).items():
        vectors = features[key]
        expected = regression.fit(vectors, labels).predict_proba(vectors)
        assert probabilities[:, taught.labels] == pytest.approx(expected, abs=2e-3)
        assert probabilities.sum(axis=1) == pytest.approx(1)
        for at in (0, 14, 29):
            regression.fit(np.delete(vectors, at, axis=0), np.delete(labels, at))
            (expected,) = regression.predict_proba(vectors[at : at + 1])
            answered = left_out.probabilities[key][at, taught.labels]
            assert answered == pytest.approx(expected, abs=2e-3)


def test_what_is_apart_is_told_apart_and_what_is_noise_is_not() -> None:
    _, apart = teaching.teach(clusters(noise=0.2), DIGESTS)
    assert all(apart.right(key).all() for key in DIGESTS)
    assert apart.is_separated
    labels = np.random.default_rng(0).permutation([0, 3, 6] * 10)
    shuffled = [
        Frame(frame.face, label, frame.features)
        for frame, label in zip(clusters(noise=0.2), labels, strict=True)
    ]
    _, noise = teaching.teach(shuffled, DIGESTS)
    assert all(noise.right(key).mean() < 0.6 for key in DIGESTS)
    assert not noise.is_separated


def test_an_emotion_with_one_frame_is_never_found_without_it() -> None:
    frames = clusters(each=5)[:11]
    assert [frame.label for frame in frames].count(6) == 1
    taught, left_out = teaching.teach(frames, DIGESTS)
    assert taught.frames == {"angry": 5, "happy": 5, "neutral": 1}
    assert not left_out.right("proposed")[-1]


def test_a_frame_has_the_features_of_its_batch() -> None:
    explainer = gradcam.Explainer(classification.load(ROOT / "models"))
    faces = sample.open_sample(ROOT / sample.FOLDER)
    vectors = teaching.features(explainer, list(faces.images[:3]))
    one = teaching.frame(explainer, faces.images[0], 0)
    assert one.features["proposed"] == pytest.approx(vectors["proposed"][0], abs=1e-3)


def test_a_head_goes_home_and_comes_back() -> None:
    taught, _ = teaching.teach(clusters(), DIGESTS)
    content = teaching.to_file(taught)
    assert len(content) < teaching.MOST_BYTES / 4
    back = teaching.from_file(content, "head.json", DIGESTS, SIZES)
    assert (back.frames, list(back.labels)) == (taught.frames, list(taught.labels))
    for key in SIZES:
        assert back.kernels[key] == pytest.approx(taught.kernels[key], abs=1e-5)
    with pytest.raises(FerError, match="other weights"):
        teaching.from_file(content, "x.json", {**DIGESTS, "proposed": "c" * 64}, SIZES)
    with pytest.raises(FerError, match="larger than 1 MB"):
        teaching.from_file(b" " * (teaching.MOST_BYTES + 1), "x.json", DIGESTS, SIZES)


def test_what_is_no_head_is_refused_in_one_sentence() -> None:
    record = json.loads(teaching.to_file(teaching.teach(clusters(), DIGESTS)[0]))
    for changes in (
        {"format": "other"},
        {"emotions": ["happy", "angry", "neutral"]},
        {"emotions": ["angry", "happy", "bored"]},
        {"kernels": {"baseline": [[1.0]], "proposed": [[1.0]]}},
        {"kernels": {"baseline": [[1e300] * 3] * 24, "proposed": [[0.0] * 3] * 12}},
        {"frames": {"angry": "many"}},
    ):
        refused(json.dumps({**record, **changes}).encode())
    for content in (b"\xff\xfe\x00", b"{}", b"[" * 500_000):
        refused(content)


def refused(content: bytes) -> None:
    with pytest.raises(FerError, match=r"^x\.json is no head that was taught here"):
        teaching.from_file(content, "x.json", DIGESTS, SIZES)
