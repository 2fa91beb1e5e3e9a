"""The first page: both models' answers for a face, the gain, the five modules, who made it."""

from __future__ import annotations

import streamlit as st

from fer import FerError, __version__
from fer.scenarios import SCENARIOS
from fer.ui.faces import answers, image_sources, sample_faces
from fer.ui.home import navigation
from fer.ui.home.places import Places
from fer.ui.shared import charts, data_origin, loaders, widgets
from fer.ui.shared.text import _
from fer.ui.studies import about, model_comparison
from fer.ui.uploads import shown_uploads

# Which of the three places the face comes from: what was used last.
SOURCE = "home_source"


def draw_home(places: Places) -> None:
    """Draw what is compared, answers for a face, the modules, and whose work it is."""
    places.compared.markdown(compared())
    try:
        with places.offered:
            chosen = offer()
        if chosen is None:
            places.answer.empty()
        else:
            content, name, words = chosen
            with places.answered:
                # What holds the place stays until there is something to put there.
                loaders.classified(content, name, False)
                with places.answer.container():
                    answers.answer_photo(content, name, "home", is_narrow=True, words=words)
    except FerError as error:
        # Where the former answer was.
        places.answer.error(_.error(error))
    scenarios()
    studies = st.container()
    widgets.notices()
    st.header(_("Five modules"), anchor="modules")
    with st.grid("auto", min_column_width=230, key="modules"):
        for module in navigation.modules():
            with st.container(border=True, height="stretch", gap="xsmall"):
                st.page_link(module.path, label=f"**{module.name}**", icon=module.icon)
                st.markdown(module.question)
    about.show_thesis()
    installed()
    widgets.sources()
    if len(loaders.evaluated()) == len(SCENARIOS):
        # Student's t comes with SciPy, a quarter of a second that the answers need not wait for.
        from fer.ui.studies import verdict

        with places.chips:
            verdict.draw_links()
        with studies.container(border=True):
            verdict.draw_sentences()


def compared() -> str:
    """Return what is compared, and the verdict's line of figures, as Markdown."""
    subtitle = _("VGG16 transfer learning with Squeeze-and-Excitation (SE block)")
    question = f"**{subtitle}**  \n" + _(
        "`proposed` (fine-tuned, with the block) and `baseline` (frozen): accuracy on {images}.",
        images=data_origin.images_of("PrivateTest"),
    )
    figures = model_comparison.headline("PrivateTest")
    return f"{question}\n\n### {figures}" if figures else question


def offer() -> tuple[bytes, str, str] | None:
    """Draw sample faces, an upload and the camera; return the content and name of what was chosen
    last, and what is known of it. Raise FerError if the server did not take that file."""

    def use(source: str) -> None:
        st.session_state[SOURCE] = source

    row = None
    st.markdown(_("**Click a face**, or use your own photo."))
    try:
        is_own = st.session_state.get(st.session_state.get(SOURCE, "sample")) is not None
        row = sample_faces.strip(
            "home", with_photo=False, is_marked=not is_own, on_press=lambda: use("sample")
        )
    except FerError as error:
        st.error(_.error(error))
    upload = image_sources.upload("photo", on_change=lambda: use("photo"))
    photo = None
    if st.toggle(_("Camera"), key="home_camera_on"):
        photo = image_sources.camera("home_camera", on_change=lambda: use("home_camera"))
    own = {"photo": upload, "home_camera": photo}.get(st.session_state.get(SOURCE, "sample"))
    if own is not None:
        image_sources.promise()
        return shown_uploads.content(own), own.name, ""
    return None if row is None else (*sample_faces.content(row), sample_faces.about(row))


def scenarios() -> None:
    """Draw a card for each scenario."""
    st.header(_("What is compared"), anchor="scenarios")
    models = loaders.models()
    for column, scenario in zip(st.columns(len(SCENARIOS)), SCENARIOS.values(), strict=True):
        with column.container(border=True, height="stretch"):
            st.subheader(
                f"{charts.swatch(scenario.key)} {_('Scenario')} "
                f"{list(SCENARIOS).index(scenario.key) + 1} · {scenario.key}"
            )
            st.write(about.describe(scenario))
            model = models.get(scenario.key)
            if model is None and (loaders.MODELS / scenario.key).exists():
                st.caption(
                    _("Its files differ from the published ones, so it is not used; see below.")
                )
                continue
            if model is None or model.metrics is None:
                st.caption(_("Not trained here yet: see the README."))
                continue
            private = model.metrics["splits"]["PrivateTest"]
            n, accuracy = _.number(private["images"]), _.percent(private["accuracy"])
            measured = _("Top-1, one crop, {n} images; below it the 95% bootstrap interval.", n=n)
            with st.container(horizontal=True):
                st.metric(_("PrivateTest accuracy"), accuracy, help=measured)
                st.metric(_("Macro F1"), _.number(private["macro_f1"], 3))
            st.caption(
                _("95% interval")
                + f": {_.interval(private['accuracy_interval'])}  \n"
                + _(
                    "{size} px input · {megabytes} MB · published {date}",
                    size=model.scenario.input_size,
                    megabytes=_.number(model.size / 1e6, 1),
                    date=model.config["published"],
                )
            )


def installed() -> None:
    """Tell which data are here, and which version of the code."""
    try:
        data = loaders.data()
    except FerError as error:
        st.error(_.error(error))
        data = None
    if data is None:
        imported = _(
            "FER-2013 is not imported here, so only its sample faces are shown; the figures "
            "come from stored results. Module 1 downloads it."
        )
    elif data.notice is None:
        imported = _("FER-2013 is imported: {n} images.", n=_.number(len(data)))
    else:
        imported = _("A data set is imported: {n} images.", n=_.number(len(data)))
    st.caption(f"{imported} " + _("Version {version} of this dashboard.", version=__version__))
