"""Module 2: what happens to a photo before a network sees it."""

import streamlit as st

from fer import FerError
from fer.ui import image_sources, text, widgets
from fer.ui.preprocessing import preprocessing_sections
from fer.vision import stages

_ = text.translator()
st.markdown(_("What does a network see of a photo, and how is it varied in training?"))
try:
    chosen = image_sources.choose("pre", _)
    if chosen is not None:
        content, name = chosen
        turns, face = image_sources.face(content, name, "pre", _)
        if face is None:
            st.caption(_("No face was found; the centre square is used, as for FER-2013's images."))
        found = preprocessing_sections.recorded(content, name, turns, face)
        st.header(_("Stage by stage"), anchor="stages")
        preprocessing_sections.show_stages(found, _)
        st.caption(
            _("The network's input has values below 0; its picture has the means added back.")
        )
        sizes = preprocessing_sections.served_sizes(_)
        if sizes is not None:
            st.caption(sizes)
        with st.container(horizontal=True):
            # Made at a press: a large photo takes seconds.
            st.download_button(
                _("Download all stages (zip)"),
                lambda: stages.archive(found),
                file_name="stages.zip",
                mime="application/zip",
                icon=":material/folder_zip:",
                key="stages_zip",
                on_click="ignore",
            )
        with st.expander(_("Table of stages"), key="stage_details"):
            widgets.table(
                preprocessing_sections.stage_table(found, _),
                "stages",
                _("Shape, type, range and time of each stage"),
                _,
            )
        called = preprocessing_sections.names(_)
        code = st.expander(_("The code of a stage"), key="code", on_change="rerun")
        if code.open:
            with code:
                by_key = {stage.key: stage for stage in found}
                key = st.pills(
                    _("Stage"),
                    list(by_key),
                    default=list(by_key)[-1],
                    format_func=called.__getitem__,
                    required=True,
                    key="code_stage",
                )
                st.code(by_key[key].source, language="python", wrap_lines=True)

        st.subheader(_("The network's three channels"))
        st.write(
            _(
                "VGG16 was trained on colour images in the order blue, green, red with ImageNet's "
                "mean subtracted; a gray face has the same value three times, minus three means."
            )
        )
        widgets.chart(
            preprocessing_sections.channels(found, _),
            key="channels",
            alt=_("Smallest, mean and largest value of the three channels"),
        )
        widgets.download(preprocessing_sections.channel_table(found, _), "channels_table", _)

        st.header(_("Augmentation"), anchor="augmentation")
        st.write(
            _(
                "`proposed` never sees the same picture twice: each time, it is changed at random "
                "within these bounds. `baseline` sees every picture as it is."
            )
        )
        augmentation, seed = preprocessing_sections.sliders(_)
        preprocessing_sections.show_variants(found[2].array, augmentation, seed, _)
except FerError as error:
    st.error(_.error(error))
widgets.sources(_)
