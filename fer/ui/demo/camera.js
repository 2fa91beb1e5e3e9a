// Asks for no permission and opens no camera. Tells again when one is plugged in or out, and when
// the visitor changes the permission. Silence means that there is a camera, so that an ordinary
// visit costs no second run of the page.
const known = new WeakMap();
export default function ({ parentElement, setStateValue }) {
  const media = navigator.mediaDevices;
  if (!media || known.has(parentElement)) return known.get(parentElement)?.stop;
  const own = { told: 'ready', permission: null };
  known.set(parentElement, own);
  async function look() {
    const devices = await media.enumerateDevices();
    let found = devices.some((device) => device.kind === 'videoinput') ? 'ready' : 'missing';
    if (own.permission?.state === 'denied') found = 'refused';
    if (found === own.told) return;
    own.told = found;
    setStateValue('camera', found);
  }
  own.stop = () => {
    media.removeEventListener('devicechange', look);
    own.permission?.removeEventListener('change', look);
    known.delete(parentElement);
  };
  media.addEventListener('devicechange', look);
  // Some browsers do not tell about the camera's permission: there the camera itself will.
  Promise.resolve(navigator.permissions?.query({ name: 'camera' })).catch(() => null).then((p) => {
    own.permission = p ?? null;
    own.permission?.addEventListener('change', look);
    return look();
  });
  return own.stop;
}
