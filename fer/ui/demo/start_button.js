// Runs beside the component's frame, which is of the same origin. Presses that follow within the
// time of a double click do not count, nor does Start until the former Start shows. Many phones
// open one camera at a time: another is refused until the former is let go.
const CLICKS = 600;
const SHOWN_SOON = 10000;
const NAME = 'iframe[src*="streamlit_webrtc"]';
const known = new WeakMap();
const watched = new WeakSet();
let words = {};

function guard(frame) {
  const inside = frame.contentDocument;
  const media = frame.contentWindow?.navigator.mediaDevices;
  if (!inside?.body || inside.URL === 'about:blank' || watched.has(inside)) return;
  watched.add(inside);
  inside.documentElement.dataset.isGuarded = true;
  let pressed = -Infinity;
  let begun = -Infinity;
  let attempt = 0;
  const tracks = new Set();

  inside.addEventListener('click', (event) => {
    const text = event.target.closest?.('button')?.textContent;
    if (text !== words.start && text !== words.stop) return;
    const isStart = text === words.start;
    const isDouble = event.detail > 1 || event.timeStamp - pressed < CLICKS;
    if (isDouble || (isStart && event.timeStamp - begun < SHOWN_SOON)) {
      event.stopImmediatePropagation();
      event.preventDefault();
      return;
    }
    pressed = event.timeStamp;
    begun = isStart ? event.timeStamp : -Infinity;
    if (!isStart) attempt += 1;
  }, true);

  new MutationObserver(() => {
    const buttons = [...inside.querySelectorAll('button')];
    const shows = buttons.some((button) => button.textContent === words.stop);
    if (shows || inside.querySelector('[role=alert]')) begun = -Infinity;
  }).observe(inside.body, { subtree: true, childList: true, characterData: true });

  if (media?.getUserMedia) {
    const ask = media.getUserMedia.bind(media);
    media.getUserMedia = async (wishes) => {
      const own = attempt;
      let stream;
      try {
        stream = await ask(wishes);
      } catch (error) {
        const open = [...tracks].filter((track) => track.readyState === 'live');
        if (!['NotReadableError', 'AbortError'].includes(error.name) || !open.length) throw error;
        open.forEach((track) => track.stop());
        stream = await ask(wishes);
      }
      if (own !== attempt) {
        // Stop was pressed meanwhile: nobody waits for this camera.
        stream.getTracks().forEach((track) => track.stop());
        return new Promise(() => {});
      }
      tracks.clear();
      stream.getVideoTracks().forEach((track) => tracks.add(track));
      return stream;
    };
  }

  // Its warning blames the network in English; the page beside it says what is wrong.
  const style = inside.createElement('style');
  style.textContent = '.MuiAlert-standardWarning { display: none; }';
  inside.head.append(style);

  const fit = () => {
    inside.documentElement.style.setProperty('--screen', `${window.innerHeight}px`);
    // The component measures itself when its video can play.
    inside.querySelector('video')?.dispatchEvent(new Event('canplay'));
  };
  frame.contentWindow.addEventListener('resize', fit);
  fit();
  // A video that begins, or changes its size as the phone is turned, comes into sight whole.
  new ResizeObserver(() => {
    if (inside.querySelector('video')) frame.scrollIntoView({ block: 'nearest' });
  }).observe(frame);
}

function look() {
  document.querySelectorAll(NAME).forEach((frame) => {
    if (!watched.has(frame)) {
      watched.add(frame);
      frame.addEventListener('load', () => guard(frame));
    }
    guard(frame);
  });
}

export default function ({ parentElement, data }) {
  words = data;
  look();
  if (known.has(parentElement)) return known.get(parentElement);
  const observer = new MutationObserver(look);
  observer.observe(document.body, { subtree: true, childList: true });
  const stop = () => {
    observer.disconnect();
    known.delete(parentElement);
  };
  known.set(parentElement, stop);
  return stop;
}
