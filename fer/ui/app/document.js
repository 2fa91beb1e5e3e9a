// Screen readers choose a voice by `lang`; Streamlit's document says English.
export default function ({ data }) {
  document.documentElement.lang = data;
  // See connection_notice.py: there is a connection.
  document.getElementById('no-connection')?.remove();
}
