// Silence means that nothing was refused, so that an ordinary upload costs no further run.
const known = new WeakMap();
export default function ({ parentElement, data, setStateValue }) {
  const own = known.get(parentElement) ?? { told: '[]' };
  own.set = setStateValue;
  if (own.stop) return own.stop;
  known.set(parentElement, own);
  const refused = (chip) => chip.querySelector('[data-testid=stFileChipIconError]');
  const look = () => {
    const chips = [...document.querySelectorAll(`.st-key-${data.key} [data-testid=stFileChip]`)];
    const counted = data.several ? chips : chips.slice(-1);
    const names = counted.filter(refused).map((chip) =>
      chip.querySelector('[data-testid=stFileChipName]').textContent);
    const found = JSON.stringify(names);
    if (found === own.told) return;
    own.told = found;
    own.set('names', names);
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { subtree: true, childList: true });
  own.stop = () => {
    observer.disconnect();
    known.delete(parentElement);
  };
  look();
  return own.stop;
}
