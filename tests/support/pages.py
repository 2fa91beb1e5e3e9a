"""The pages as AppTest opens them: names, views, messages, and words for what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Widget

from fer.artifacts.stored import Stored
from tests.support.making import ROOT

PAGES = sorted(path.name for path in (ROOT / "pages").glob("*.py"))
TITLES = {
    "1_Dataset.py": ("Dataset", "Dataset"),
    "2_Preprocessing.py": ("Preprocessing", "Prapemrosesan"),
    "3_Classification_Results.py": ("Classification results", "Hasil klasifikasi"),
    "4_Training.py": ("Training", "Pelatihan"),
    "5_Realtime_Demo.py": ("Demo", "Demo"),
}
VIEWS = (
    *("metrics", "ingredients", "parameters", "classes", "confusion", "curves", "calibration"),
    *("overfitting", "errors", "crowd", "looking", "gates", "map", "robustness"),
    *("literature", "speed", "own_images", "own_predictions"),
)
# What lets the pages show a study's record.
ShowStudy: TypeAlias = Callable[[Stored[Any], object], None]


def open_home(language: str = "EN") -> AppTest:
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120)
    app.query_params["lang"] = language
    return app.run()


def open_page(name: str, language: str = "EN") -> AppTest:
    return open_home(language).switch_page(f"pages/{name}").run()


def open_mode(mode: str, language: str = "EN") -> AppTest:
    """The demo's page in that mode."""
    app = open_page("5_Realtime_Demo.py", language)
    return app.segmented_control(key="mode").set_value(mode).run()


def open_view(app: AppTest, view: str) -> AppTest:
    """The results' page with that view, as its address opens it."""
    app.query_params["view"] = view
    return app.run()


def open_results(view: str, language: str = "EN") -> AppTest:
    return open_view(open_page("3_Classification_Results.py", language), view)


def messages(app: AppTest) -> list[str]:
    return [str(element.value) for element in app.error]


def assert_no_error(app: AppTest) -> None:
    assert not app.exception, app.exception
    assert messages(app) == []


def texts(app: AppTest) -> str:
    """Return what the page says outside of its errors, a line an element."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "success", "warning")
    return "\n".join(str(element.value) for kind in (*kinds, "metric") for element in app.get(kind))


def walk_alts(app: AppTest, page: str) -> None:
    """Fail on a chart, image or table without words for those who can't see it, and on a widget
    without a key, by which tests and programs find it."""
    seen = 0
    for node in app.main:
        proto = getattr(node, "proto", None)
        kind = type(proto).__name__
        if kind in ("PlotlyChart", "ImageList", "ArrowDataFrame", "Table", "Dataframe"):
            seen += 1
            alts = [image.alt for image in proto.imgs] if kind == "ImageList" else [proto.alt]
            assert all(alts), f"{kind} without alt: {proto}"
        if isinstance(node, Widget):
            assert node.key, f"{kind} without key: {proto}"
    # They show nothing before a photo is chosen.
    view = str(app.query_params.get("view", ""))
    waits = page == "5_Realtime_Demo.py" or "own_" in view
    assert seen or waits, "no chart, image or table was walked"
