"""Other projects that read expressions, timed where they are installed.

    python -m tests.benchmarks.peers

None of them is a dependency, and each brings weights of its own, which it may download when it is
first asked. The PyPI package `fer` has this package's import name, so the two cannot share an
environment and it cannot be timed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

import numpy as np

from fer.lab.latency import seconds
from fer.vision.preprocessing import Rgb

Ask = Callable[[Rgb], object]


@dataclass(frozen=True)
class Peer:
    """A package, and how its classifier for one cropped RGB face is made."""

    package: str
    module: str
    make: Callable[[ModuleType], Ask]


def _deepface(module: ModuleType) -> Ask:
    return lambda face: module.DeepFace.analyze(
        face[:, :, ::-1],
        actions=["emotion"],
        detector_backend="skip",
        enforce_detection=False,
        silent=True,
    )


def _hsemotion(module: ModuleType) -> Ask:
    recognizer = module.HSEmotionRecognizer(model_name="enet_b0_8_best_vgaf")
    return lambda face: recognizer.predict_emotions(face, logits=False)


PEERS = (
    Peer("deepface", "deepface", _deepface),
    Peer("hsemotion-onnx", "hsemotion_onnx.facial_emotions", _hsemotion),
)


def compare(rounds: int = 30) -> dict[str, dict[str, str | float]]:
    """Milliseconds for one cropped face of each peer by package, or why it was not timed."""
    face = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    found: dict[str, dict[str, str | float]] = {}
    for peer in PEERS:
        try:
            ask = peer.make(import_module(peer.module))
            times = seconds(lambda ask=ask: ask(face), rounds)  # type: ignore[misc]
            found[peer.package] = {
                "version": _version(peer.package),
                "p50_ms": round(1000 * float(np.median(times)), 2),
            }
        except ImportError:
            found[peer.package] = {"skipped": "not installed"}
        except Exception as error:
            # A stranger's code may fail in any way, above all when its weights cannot be fetched.
            found[peer.package] = {"skipped": f"{type(error).__name__}: {error}"}
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    print(compare())
