// Screen readers choose a voice by `lang`; Streamlit's document says English.
const LOW = 500;
const BUTTONS = 'button[aria-controls=stSidebar]';
let names = {};
let observer = null;

// Streamlit draws the sidebar's buttons anew when it opens or closes, with English names.
function nameButtons() {
  for (const button of document.querySelectorAll(BUTTONS)) {
    const name = button.getAttribute('aria-expanded') === 'true' ? names.close : names.open;
    if (button.getAttribute('aria-label') !== name) button.setAttribute('aria-label', name);
  }
}

export default function ({ data }) {
  document.documentElement.lang = data.language;
  // See connection_notice.py: there is a connection.
  document.getElementById('no-connection')?.remove();
  names = data;
  nameButtons();
  if (!observer) {
    observer = new MutationObserver(nameButtons);
    observer.observe(document.body, {
      subtree: true,
      childList: true,
      attributeFilter: ['aria-expanded', 'aria-label'],
    });
  }
  // A phone held sideways is wide enough for Streamlit to open the sidebar, which then takes a
  // third of it: it is closed once, and stays as the visitor wants it after that.
  if (document.documentElement.dataset.hadRoom !== undefined) return;
  document.documentElement.dataset.hadRoom = window.innerHeight >= LOW;
  if (window.innerHeight < LOW) {
    document.querySelector(`${BUTTONS}[aria-expanded=true]`)?.click();
  }
}
