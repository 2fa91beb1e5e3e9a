"""Whatever bytes come in, they are taken whole or refused in one sentence."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer import FerError
from fer.data import importing
from fer.data.formats import members
from fer.media import annotation, video_gate
from fer.ui.uploads import upload_limits
from fer.vision import preprocessing, stages, upload_gate
from tests.benchmarks import fuzz
from tests.support.films import frames, watch
from tests.support.making import encoded, jpeg, video

# Formats that keep every pixel, each with the modes that it can hold.
LOSSLESS = [
    *product(["PNG"], ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]),
    *product(["BMP"], ["1", "L", "P", "RGB"]),
    *product(["TIFF"], ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "YCbCr", "LAB"]),
    *product(["GIF"], ["1", "L", "P"]),
    *product(["WEBP"], ["RGB", "RGBA"]),
]
STARTS = [content[:16] for _, content in fuzz.samples()]


def is_image(rgb: np.ndarray) -> bool:
    return (rgb.dtype, rgb.ndim, rgb.shape[2]) == (np.uint8, 3, 3) and rgb.size > 0


GATES: dict[str, Callable[[bytes], bool]] = {
    "image": lambda content: is_image(preprocessing.read_image(content, "a file")),
    "video": lambda content: watch(content, name="a file").seconds > 0,
}


@pytest.mark.parametrize("kind", list(GATES))
def test_any_bytes_are_taken_or_refused_in_one_sentence(kind: str) -> None:
    rng = np.random.default_rng(8)
    anything = [rng.bytes(length) for length in (0, 1, 2, 5, 16, 60, 300)]
    for content in [*anything, *(start + end for start in STARTS for end in anything[::3])]:
        sentence = "a file was taken"
        try:
            assert GATES[kind](content)
        except FerError as error:
            sentence = str(error)
        assert re.fullmatch("a file .+", sentence)


def picture(mode: str, width: int, height: int, seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, (height, width), dtype=np.uint16))
    if mode == "F":
        return Image.fromarray(rng.normal(size=(height, width)).astype(np.float32))
    if mode == "LAB":
        values = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        return Image.frombytes("LAB", (width, height), values.tobytes())
    values = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    image = Image.fromarray(values)
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (33, 1), (2, 40), (17, 23)])
@pytest.mark.parametrize(("kind", "mode"), LOSSLESS)
def test_lossless_formats_come_back_as_they_were(
    kind: str, mode: str, width: int, height: int
) -> None:
    image = picture(mode, width, height, seed=width)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    read = preprocessing.read_image(encoded(image, kind, **options))
    assert is_image(read)
    assert read.shape[:2] == (height, width)
    if mode in ("I;16", "F"):
        values = np.asarray(image, np.float64)
        low, high = (values.min(), values.max()) if mode == "F" else (0.0, 65535.0)
        if mode == "I;16" and values.max() <= 255:
            high = 255.0
        expected = (values - low) / max(high - low, 1e-12) * 255
        assert np.abs(read[:, :, 0] - expected).max() <= 0.5 + 1e-9
        return
    if mode in ("LA", "RGBA"):
        background = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(background, image.convert("RGBA"))
    assert np.abs(read.astype(int) - np.asarray(image.convert("RGB"))).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "L"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("WEBP", "RGB")]
)
def test_lossy_formats_stand_upright_in_their_size(kind: str, mode: str, orientation: int) -> None:
    width, height = 200, 3 * orientation
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    image = Image.fromarray(ramp).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = preprocessing.read_image(encoded(image, kind, exif=exif.tobytes()))
    assert is_image(read)
    assert read.shape[:2] == ((width, height) if orientation >= 5 else (height, width))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_float_images_without_numbers(value: float) -> None:
    values = np.full((4, 6), value, np.float32)
    assert (preprocessing.read_image(encoded(Image.fromarray(values), "TIFF")) == 0).all()
    values[0] = np.linspace(-1, 1, 6)
    read = preprocessing.read_image(encoded(Image.fromarray(values), "TIFF"))
    assert read[0, :, 0].tolist() == [0, 51, 102, 153, 204, 255]
    assert set(read[1:].ravel().tolist()) == {255 if value == np.inf else 0}


@pytest.mark.parametrize("kind", ["PPM", "ICO", "TGA", "PCX", "JPEG2000", "EPS", "SGI"])
def test_other_decoders_are_out_of_reach(kind: str) -> None:
    content = encoded(Image.new("RGB", (32, 32), "red"), kind)
    with pytest.raises(FerError, match="not an image that can be read"):
        preprocessing.read_image(content, "red.png")


def test_content_tells_the_type_and_not_the_name(portrait: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "photo.gif").write_bytes(jpeg(portrait, "PNG"))
    assert np.array_equal(preprocessing.read_image(tmp_path / "photo.gif"), portrait)
    assert watch(video(frames(4), 10, "webm", "libvpx"), name="clip.mp4").analysed == 4
    for content in (content for kind, content in fuzz.samples() if kind == "archive"):
        report = importing.import_dataset(io.BytesIO(content), tmp_path / "data", name="photo.png")
        assert report.images >= 1


def test_multi_picture_photos_of_phones_are_read(portrait: np.ndarray) -> None:
    first = Image.fromarray(portrait)
    content = encoded(first, "MPO", save_all=True, append_images=[first.rotate(90)])
    assert np.abs(preprocessing.read_image(content).astype(int) - portrait).mean() < 5


def test_progressive_image_of_endless_scans_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encoded(Image.new("RGB", (600, 600), (100, 90, 80)), "JPEG", progressive=True)
    assert is_image(preprocessing.read_image(whole))
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


def test_video_without_end_comes_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    content = video(frames(20), 10)
    monkeypatch.setattr(video_gate, "VIDEO_FRAMES", 5)
    assert watch(content).seconds == pytest.approx(0.5, abs=0.11)
    monkeypatch.setattr(video_gate, "VIDEO_FRAMES", 100)
    monkeypatch.setattr(video_gate, "VIDEO_PIXELS", 96 * 128 * 8)
    assert watch(content).seconds == pytest.approx(0.8, abs=0.11)


def test_video_of_one_frame_a_minute() -> None:
    shades = [frames(1, shade, (48, 64))[0] for shade in (40, 200, 90)]
    analysed = watch(video(shades, step=600))
    assert analysed.seconds == pytest.approx(121, abs=1)
    assert analysed.analysed == 3


def test_tar_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "UNPACKED_BYTES", 5000)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for number in range(4):
            member = tarfile.TarInfo(f"{number}.bin")
            member.size = 2000
            tar.addfile(member, io.BytesIO(bytes(2000)))
    packed.seek(0)
    with pytest.raises(FerError, match="far more than FER-2013"):
        importing.import_dataset(packed, tmp_path / "data")


def test_the_server_takes_what_the_gates_take() -> None:
    assert max(upload_gate.IMAGE_BYTES, video_gate.VIDEO_BYTES) == upload_limits.LARGEST_FILE


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "a\0b.zip", "x" * 300, "/", "C:\\a"])
def test_the_name_of_an_upload_is_never_a_path(name: str, tmp_path: Path) -> None:
    content = next(c for k, c in fuzz.samples() if k == "archive")
    report = importing.import_dataset(io.BytesIO(content), tmp_path / "data", name=name)
    assert report.images == 126
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    with pytest.raises(FerError):
        importing.import_dataset(io.BytesIO(content[:100]), tmp_path / "data", name=name)


def test_the_mutated_files_are_of_every_kind_that_is_read() -> None:
    formats, containers = set(), set()
    for kind, content in fuzz.samples():
        if kind == "image":
            with upload_gate.opened_image(content, "a file") as image:
                formats.add(image.format)
        elif kind == "video":
            with video_gate.opened_video(content, "a file") as (source, _):
                containers.add(source.format.name.split(",")[0])
                if content[8:11] == b"M4V":
                    containers.add("m4v")
    assert formats == {*upload_gate.IMAGE_FORMATS, upload_gate.HEIC_FORMAT}
    assert containers == {*video_gate.VIDEO_CONTAINERS.split(","), "m4v"}


def test_a_few_hundred_mutated_files_do_no_harm() -> None:
    report = fuzz.put_through(fuzz.mutated(21, number) for number in range(300))
    assert [(kind, outcome) for kind, outcome, _ in report.findings] == []
    assert report.outcomes["image taken"] > 20, "too little comes through to tell"
    assert report.outcomes["video taken"] > 2
    assert report.outcomes["archive taken"] >= 2


def test_what_once_did_harm_does_no_more() -> None:
    report = fuzz.put_through(iter(fuzz.kept()))
    assert sum(report.outcomes.values()) == len(fuzz.kept()) > 0
    assert [(kind, outcome) for kind, outcome, _ in report.findings] == []


def test_the_fuzz_run_sees_crashes_and_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "SECONDS", 0.5)
    report = fuzz.put_through(("trial", act) for act in (b"die", b"other", b"hang"))
    outcomes = [outcome for _, outcome, _ in report.findings]
    assert outcomes == ["crash -6", "LookupError: b'other'", "hang"]


def test_a_file_that_had_to_wait_for_the_machine_is_no_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fuzz, "SECONDS", 5.0)
    report = fuzz.put_through(iter([("trial", b"wait once " + bytes(tmp_path / "waited"))]))
    assert (report.findings, report.outcomes) == ([], {"trial taken": 1})
    assert report.slowest[0] > 5
