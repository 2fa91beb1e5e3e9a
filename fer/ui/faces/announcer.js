// One region for the whole document, outside of what Streamlit draws anew: screen readers tell what
// changes in a region that was there before.
const ID = 'fer-announced';
const UNSEEN =
  'position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%)';

export default function ({ data }) {
  let region = document.getElementById(ID);
  if (!region) {
    region = document.createElement('div');
    region.id = ID;
    region.setAttribute('role', 'status');
    region.style.cssText = UNSEEN;
    document.body.append(region);
  }
  const telling = setTimeout(() => {
    if (region.textContent !== data) region.textContent = data;
  }, 100);
  return () => clearTimeout(telling);
}
