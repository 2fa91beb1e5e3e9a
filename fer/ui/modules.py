"""The five modules of the dashboard: address, name, and the question that each answers."""

from __future__ import annotations

from dataclasses import dataclass

from fer.ui.text import _


@dataclass(frozen=True)
class Module:
    """A numbered page: its file, its names in the navigation and above the page, what it answers.

    help says what the page offers, in the navigation's tooltip and to programs; parameters are what
    its address may have beside the language; has_own_title: it draws its title itself, beside a
    choice.
    """

    path: str
    icon: str
    name: str
    title: str
    question: str
    help: str
    parameters: tuple[str, ...] = ()
    has_own_title: bool = False


def app_title() -> str:
    """The name of the thesis' system."""
    return _("Facial Expression Analysis System")


def numbered() -> list[Module]:
    """The modules in the order of their numbers."""
    return [
        Module(
            "pages/1_Dataset.py",
            ":material/grid_view:",
            f"1. {_('Dataset')}",
            _("Dataset"),
            _("What is in FER-2013, how even are its classes, and how clean are its splits?"),
            _("What FER-2013 contains: counts, faces, pixels, duplicates."),
            ("browse_split", "browse_page"),
        ),
        Module(
            "pages/2_Preprocessing.py",
            ":material/tune:",
            f"2. {_('Preprocessing')}",
            _("Preprocessing"),
            _("What does a network see of a photo, and how is it varied in training?"),
            _(
                "Every stage from a photo to the network's input; what turns an answer; "
                "every layer."
            ),
            ("view",),
        ),
        Module(
            "pages/3_Classification_Results.py",
            ":material/compare_arrows:",
            f"3. {_('Results')}",
            _("Classification results"),
            _("Which scenario reads faces better, by how much, and on which expressions?"),
            _("Both scenarios compared: parameters, metrics, confusion matrices, calibration."),
            ("split", "view"),
            has_own_title=True,
        ),
        Module(
            "pages/4_Training.py",
            ":material/show_chart:",
            f"4. {_('Training')}",
            _("Training"),
            _("How did the models learn, do they overfit, and would longer training help?"),
            _("Learning curves, overfitting and generalisation; start a short training."),
        ),
        Module(
            "pages/5_Realtime_Demo.py",
            ":material/videocam:",
            f"5. {_('Demo')}",
            _("Demo"),
            _("What do both models see in your face, live or in photos, and do they agree?"),
            _("Both models side by side on your webcam or your own photos."),
            ("mode", "view", "game", "way"),
            has_own_title=True,
        ),
    ]
