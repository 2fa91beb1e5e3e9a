"""What is compared, what is installed, and both models' answers for a photo."""

import pandas as pd
import streamlit as st

from fer import FerError, dataset, emotions, photos
from fer.scenarios import PROPOSED, SCENARIOS, Scenario
from fer.ui import charts, loaders, text

st.set_page_config(page_title="FER-2013", page_icon=":material/mood:", layout="wide")

_ = text.translator()
head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
head.title(_("Two ways to read a face"))
with head.container(width="content"):
    text.language_control(_)
st.markdown(
    _(
        "How much does fine-tuning VGG16 with a Squeeze-and-Excitation block gain over a frozen "
        "VGG16 on the 35,887 faces of FER-2013?"
    )
)


def describe(scenario: Scenario) -> str:
    """The scenario in one sentence."""
    if scenario.trainable_layers is None:
        return _(
            "VGG16 with its ImageNet weights frozen; only a small head is trained, without "
            "augmentation, with cross-entropy."
        )
    first, last = scenario.trainable_layers
    return _(
        "VGG16 with layers {first}–{last} fine-tuned and an SE block, augmented faces, class "
        "weights, and cross-entropy with label smoothing {smoothing}.",
        first=first,
        last=last,
        smoothing=_.number(scenario.label_smoothing, 1),
    )


models = loaders.models()
for column, scenario in zip(st.columns(2), SCENARIOS.values(), strict=True):
    with column.container(border=True, height="stretch"):
        st.subheader(
            f":{charts.MARKDOWN_COLOUR[scenario.key]}[:material/square:] {_('Scenario')} "
            f"{list(SCENARIOS).index(scenario.key) + 1} · {scenario.key}"
        )
        st.write(describe(scenario))
        model = models.get(scenario.key)
        if model is None or model.metrics is None:
            st.caption(
                _(
                    "Not trained here yet. Run `fer train {key}`, `fer publish runs/{key}` and "
                    "`fer evaluate`.",
                    key=scenario.key,
                )
            )
            continue
        private = model.metrics["splits"]["PrivateTest"]
        low, high = private["accuracy_interval"]
        with st.container(horizontal=True):
            st.metric(
                _("PrivateTest accuracy"),
                _.percent(private["accuracy"]),
                f"{_.number(100 * low, 1)}–{_.percent(high)}",
                delta_color="off",
                delta_arrow="off",
                help=_("Top-1, one crop, {n} images; below it the 95 % bootstrap interval.").format(
                    n=_.number(private["images"])
                ),
            )
            st.metric(_("Macro F1"), _.number(private["macro_f1"], 3))
        st.caption(
            _(
                "{size} px input · {megabytes} MB · published {date} · SHA-256 {digest}",
                size=model.scenario.input_size,
                megabytes=_.number(model.size / 1e6, 1),
                date=model.config["published"],
                digest=model.digest[:12],
            )
        )

comparison = loaders.comparison()
if comparison is not None:
    gain = comparison["splits"]["PrivateTest"]
    low, high = gain["gain_interval"]
    p_value = gain["mcnemar_p"]
    st.markdown(
        _(
            "**Gain of `proposed` on PrivateTest: {gain} percentage points** (95 % interval {low} "
            "to {high}; McNemar's exact test p {p}).",
            gain=_.number(100 * gain["gain"], 1),
            low=_.number(100 * low, 1),
            high=_.number(100 * high, 1),
            p=f"< {_.number(0.001, 3)}" if p_value < 0.001 else f"= {_.number(p_value, 3)}",
        )
    )

st.header(_("Try a photo"), anchor="photo")
upload = st.file_uploader(
    _("A photo with one or more faces (JPEG, PNG, WebP, BMP; up to 40 MB)"),
    type=["jpg", "jpeg", "png", "webp", "bmp"],
    key="photo",
)
if upload is not None:
    try:
        content = upload.getvalue()
        rgb = loaders.image(content, upload.name)
        with st.spinner(_("Looking for faces and asking both models…")):
            photo = loaders.classified(content, upload.name, False)
        if not photo.answers:
            st.warning(_("No face was found. The whole image can be classified instead."))
            if st.toggle(_("Classify the whole image"), key="whole"):
                photo = loaders.classified(content, upload.name, True)
        picture, answer_place = st.columns(2)
        chosen = 0
        if len(photo.answers) > 1:
            chosen = answer_place.selectbox(
                _("Face"),
                range(len(photo.answers)),
                format_func=lambda position: f"{_('Face')} {position + 1}",
                key="face",
            )
        picture.image(
            photos.annotated(rgb, photo, PROPOSED.colour, chosen),
            caption=_("Faces found: {n}", n=sum(a.face is not None for a in photo.answers)),
            width="stretch",
        )
        if photo.answers:
            answer = photo.answers[chosen]
            answer_place.plotly_chart(
                charts.confidence_bars(answer.predictions, _),
                config={"displayModeBar": False},
                key="confidence",
            )
            answer_place.caption(
                " · ".join(
                    f"{key}: **{_(p.top1)}** {_.percent(p.confidence)}"
                    for key, p in answer.predictions.items()
                )
            )
            table = pd.DataFrame(photo.rows())
            with st.expander(_("Table and download")):
                st.dataframe(table, hide_index=True, key="confidence_table")
                st.download_button(
                    _("Download as CSV"),
                    table.to_csv(index=False),
                    file_name="confidences.csv",
                    mime="text/csv",
                    key="confidence_csv",
                    on_click="ignore",
                )
    except FerError as error:
        st.error(_.error(error))
    st.caption(_("The photo stays in this server's memory for ten minutes and is never stored."))

st.header(_("What is installed"), anchor="installed")
try:
    images = loaders.imported_images()
except FerError as error:
    images = 0
    st.error(_.error(error))
if images:
    st.write(_("FER-2013 is imported: {n} images.", n=_.number(images)))
else:
    st.write(
        _(
            "FER-2013 is not imported; the figures come from stored results. To see its images, "
            "run `fer data download`, or `fer data import archive.zip`."
        )
    )
official = pd.DataFrame(
    {str(split): dataset.OFFICIAL_COUNTS[split] for split in dataset.SPLITS},
    index=pd.Index([_(key) for key in emotions.KEYS], name=_("Emotion")),
)
st.dataframe(official, key="official_counts")
st.caption(_("Images per class and official split (Goodfellow et al. 2013)."))
