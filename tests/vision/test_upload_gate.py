"""Whatever bytes come in, they are taken whole or refused in one sentence."""

from __future__ import annotations

import io
import tarfile
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer import FerError
from fer.data import importing
from fer.data.formats import members
from fer.media import annotation
from fer.vision import preprocessing, stages
from tests.benchmarks import fuzz
from tests.support.films import frames, watch
from tests.support.making import encoded, jpeg, video

LOSSLESS = [
    *product(["PNG"], ["1", "L", "LA", "P", "RGB", "RGBA"]),
    *product(["BMP"], ["1", "L", "P", "RGB"]),
    *product(["TIFF"], ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"]),
    *product(["GIF"], ["1", "L", "P"]),
    *product(["WEBP"], ["RGB", "RGBA"]),
]


@pytest.mark.parametrize(("kind", "mode"), LOSSLESS)
def test_lossless_formats_come_back_as_they_were(kind: str, mode: str) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (23, 17, 4), dtype=np.uint8)
    image = Image.fromarray(noise)
    image = image if mode == "RGBA" else image.convert("RGB").convert(mode)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    read = preprocessing.read_image(encoded(image, kind, **options))
    assert read.shape == (23, 17, 3)
    if mode in ("LA", "RGBA"):
        background = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(background, image.convert("RGBA"))
    assert np.abs(read.astype(int) - np.asarray(image.convert("RGB"))).max() <= 1


def test_deep_images_are_scaled_also_those_without_numbers() -> None:
    scaled = [0, 51, 102, 153, 204, 255]
    deep = np.tile(np.linspace(0, 65535, 6), (4, 1)).astype(np.uint16)
    for kind in ("PNG", "TIFF"):
        read = preprocessing.read_image(encoded(Image.fromarray(deep), kind))
        assert read[0, :, 0].tolist() == scaled
    values = np.full((4, 6), np.nan, np.float32)
    assert (preprocessing.read_image(encoded(Image.fromarray(values), "TIFF")) == 0).all()
    values[:2] = np.linspace(-1, 1, 6), np.full(6, np.inf)
    read = preprocessing.read_image(encoded(Image.fromarray(values), "TIFF"))
    assert read[0, :, 0].tolist() == scaled
    assert (read[1] == 255).all()
    assert (read[2:] == 0).all()


@pytest.mark.parametrize("kind", ["PPM", "ICO", "JPEG2000", "EPS"])
def test_other_decoders_are_out_of_reach(kind: str) -> None:
    content = encoded(Image.new("RGB", (32, 32), "red"), kind)
    with pytest.raises(FerError, match="not an image that can be read"):
        preprocessing.read_image(content, "red.png")


def test_progressive_image_of_endless_scans_is_refused() -> None:
    whole = encoded(Image.new("RGB", (600, 600), (100, 90, 80)), "JPEG", progressive=True)
    assert preprocessing.read_image(whole).shape == (600, 600, 3)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    with pytest.raises(FerError, match="would take minutes to decode"):
        preprocessing.read_image(whole[:-2] + last * 6000 + b"\xff\xd9")


def test_notes_go_no_further_than_the_gate(portrait: np.ndarray) -> None:
    secret = b"a very private place"
    exif = Image.Exif()
    exif[0x010E] = secret.decode()
    photo = encoded(Image.fromarray(portrait), "JPEG", exif=exif.tobytes())
    film = video(frames(3, 90, (48, 64)), comment=secret.decode())
    assert secret in photo
    assert secret in film
    rgb = preprocessing.read_image(photo)
    made = [jpeg(rgb), jpeg(annotation.answers(rgb, (), {}), "PNG"), watch(film).video]
    made.append(stages.archive(stages.record(rgb, None)))
    assert not any(secret in one or b"Exif" in one for one in made)


def test_playlists_other_containers_and_codecs_are_out_of_reach(tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(video(frames(4), 10))
    for content, message in (
        (f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode(), "not a video that can"),
        (f"ffconcat version 1.0\nfile {secret}\n".encode(), "not a video that can be read"),
        (video(frames(4), 10, "flv", "flv"), "not a video that can be read"),
        (video(frames(4), 10, "matroska", "ffv1"), "is encoded as ffv1"),
    ):
        with pytest.raises(FerError, match=message):
            watch(content)


def test_tar_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "UNPACKED_BYTES", 5000)
    with tarfile.open(tmp_path / "bomb.tar.gz", mode="w:gz") as tar:
        member = tarfile.TarInfo("zeros.bin")
        member.size = 8000
        tar.addfile(member, io.BytesIO(bytes(8000)))
    with pytest.raises(FerError, match="far more than FER-2013"):
        importing.import_dataset(tmp_path / "bomb.tar.gz", tmp_path / "data")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b.zip", "x" * 300, "C:\\a"])
def test_the_name_of_an_upload_is_never_a_path(name: str, tmp_path: Path) -> None:
    content = next(c for k, c in fuzz.samples() if k == "archive")
    report = importing.import_dataset(io.BytesIO(content), tmp_path / "data", name=name)
    assert report.images == 126
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    with pytest.raises(FerError):
        importing.import_dataset(io.BytesIO(content[:100]), tmp_path / "data", name=name)


def test_mutated_files_and_what_once_did_harm_do_none() -> None:
    report = fuzz.put_through(fuzz.mutated(21, number) for number in range(200))
    assert [(kind, outcome) for kind, outcome, _ in report.findings] == []
    for kind, least in (("image", 15), ("video", 2), ("archive", 2)):
        assert report.outcomes[f"{kind} taken"] >= least, "too little comes through to tell"
    report = fuzz.put_through(iter(fuzz.kept()))
    assert sum(report.outcomes.values()) == len(fuzz.kept()) > 0
    assert [(kind, outcome) for kind, outcome, _ in report.findings] == []
