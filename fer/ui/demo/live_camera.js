// One camera, one state at a time: off, asked for, on, or a fault that is said in one sentence with
// one way on. The picture is shown at full rate; where the pictures go through the socket, the frame
// that was answered lies over it with its boxes, as long as answers come.
const LONGEST = 480;
const QUALITY = 0.8;
// Milliseconds: an answer that old is no longer shown; a reply that late never comes; so long a
// question of the browser is unanswered; a camera that sends nothing for so long has stopped; two
// clicks that close are one; a connection has ended by then; pauses between two tries to connect.
const STALE = 3000;
const LATE = 24000;
const UNANSWERED = 4000;
const STILL = 3000;
const CLICKS = 600;
const RESTART = 1000;
const AGAIN = 500;
const AGAIN_AT_MOST = 4000;
const NUMBER_BYTES = 4;
// Where the way there and back takes this many times what the networks take, a second picture is
// sent before the first is answered: else both ends would wait for the network.
const FAR = 1.5;
// Pixels: screens narrower than this have the answers below the picture, that high.
const STACKED = 640;
const ANSWERS_HEIGHT = 350;
const IDEAL = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const FAULTS = {
  NotAllowedError: 'refused',
  SecurityError: 'refused',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'taken',
  AbortError: 'taken',
};
// Runs beside the page's own thread, which drawing and encoding would hold up.
const ENCODER = `
onmessage = async ({ data: { bitmap, width, height, quality } }) => {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d').drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality });
  const jpeg = await blob.arrayBuffer();
  postMessage(jpeg, [jpeg]);
};`;
const known = new WeakMap();

class Camera {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`.${name}`);
    this.video = this.find('own');
    this.canvas = this.find('answered');
    this.encoder = new Encoder();
    // The pictures that are on their way, by number.
    this.sent = new Map();
    this.most = 1;
    this.isOn = false;
    this.device = '';
    this.attempt = 0;
    this.number = 0;
    this.pause = AGAIN;
    this.pressedAt = -Infinity;
    this.find('switch').onclick = (event) => this.press(event);
    this.find('photo').onclick = () => this.tell.setTriggerValue('photo', true);
    this.find('devices').onchange = (event) => this.choose(event.target.value);
    this.listen(document, 'visibilitychange', () => this.followTab());
    this.listen(navigator.mediaDevices, 'devicechange', () => this.lookForCameras());
    this.listen(window, 'resize', () => {
      this.fit();
      if (this.data.shown) this.tell.setStateValue('screen', window.innerHeight);
    });
    this.clock = setInterval(() => this.tick(), 250);
    // Some browsers do not tell about the camera's permission: there the camera itself will.
    Promise.resolve(navigator.permissions?.query({ name: 'camera' })).catch(() => null)
      .then((permission) => {
        this.permission = permission;
        this.listen(permission, 'change', () => this.lookForCameras());
        return this.lookForCameras();
      });
  }

  listen(target, event, act) {
    target?.addEventListener(event, act);
    (this.listening ??= []).push(() => target?.removeEventListener(event, act));
  }

  // What the page says, in every run of it.
  follow(data, tell) {
    const before = this.data;
    this.data = data;
    this.tell = tell;
    this.find('devices').setAttribute('aria-label', data.words.devices);
    this.find('photo').textContent = data.words.photo;
    this.canvas.setAttribute('aria-label', data.words.picture);
    if (before && before.token !== data.token) this.disconnect();
    // Drawn anew by the page, as for another language or the projector, while it was on.
    if (!before && data.on && !document.hidden) this.start();
    if (before?.shown && !data.shown && this.isOn) this.open();
    if (data.shown) this.close();
    this.connect();
    this.fit();
    this.show();
  }

  // --- on and off ---

  // A double click is one press.
  press(event) {
    if (event.detail > 1 || event.timeStamp - this.pressedAt < CLICKS) return;
    this.pressedAt = event.timeStamp;
    if (this.isOn) this.stop();
    else this.start();
  }

  start() {
    this.isOn = true;
    this.tell.setStateValue('on', true);
    this.tell.setStateValue('screen', window.innerHeight);
    return this.open();
  }

  stop(fault = null) {
    this.isOn = false;
    this.close();
    this.disconnect();
    this.fault = fault;
    this.said = null;
    this.tell.setStateValue('on', false);
    this.show();
  }

  // Nobody sees a hidden tab's picture: the camera rests until it is looked at again.
  followTab() {
    if (document.hidden) {
      this.isResting = this.isOn;
      if (this.isOn) this.stop();
    } else if (this.isResting) {
      this.isResting = false;
      this.start();
    }
  }

  choose(device) {
    this.device = device;
    this.tell.setStateValue('device', device);
    if (!this.isOn) return;
    if (!this.data.shown) {
      this.open();
      return;
    }
    // The video's own connection ends first.
    this.stop();
    setTimeout(() => this.start(), RESTART);
  }

  // Into sight with its button and, where they stand below it, the answers.
  comeIntoSight() {
    const place = this.root.host ?? this.find('camera');
    const below = window.innerWidth < STACKED ? ANSWERS_HEIGHT : 0;
    const { top, bottom } = place.getBoundingClientRect();
    if (top < 0 || bottom + below > window.innerHeight) place.scrollIntoView({ block: 'start' });
  }

  // --- the camera ---

  async open() {
    this.close();
    const attempt = ++this.attempt;
    this.fault = null;
    if (!navigator.mediaDevices?.getUserMedia) return this.stop('unsupported');
    this.askedAt = performance.now();
    this.show();
    const which = this.device ? { deviceId: { exact: this.device } } : { facingMode: 'user' };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { ...IDEAL, ...which } });
    } catch (error) {
      if (attempt !== this.attempt) return undefined;
      if (error.name === 'OverconstrainedError' && this.device) {
        this.device = '';
        return this.open();
      }
      return this.stop(FAULTS[error.name] ?? 'taken');
    }
    if (attempt !== this.attempt) {
      // Stop was pressed meanwhile, or another camera chosen: nobody waits for this one.
      stream.getTracks().forEach((track) => track.stop());
      return undefined;
    }
    this.askedAt = null;
    this.stream = stream;
    const [track] = stream.getVideoTracks();
    track.onended = () => this.stop('unplugged');
    this.isMirrored = track.getSettings().facingMode !== 'environment';
    this.video.classList.toggle('mirrored', this.isMirrored);
    this.video.srcObject = stream;
    await this.video.play().catch(() => null);
    this.lookForCameras();
    this.connect();
    this.watch(attempt);
    this.show();
    this.comeIntoSight();
    return undefined;
  }

  close() {
    this.attempt += 1;
    this.askedAt = null;
    this.stream?.getTracks().forEach((track) => {
      track.onended = null;
      track.stop();
    });
    this.stream = this.video.srcObject = null;
    this.drawnAt = -Infinity;
  }

  async lookForCameras() {
    const media = navigator.mediaDevices;
    if (!media?.enumerateDevices) return;
    const cameras = (await media.enumerateDevices()).filter((d) => d.kind === 'videoinput');
    const own = this.stream?.getVideoTracks()[0].getSettings().deviceId;
    const list = this.find('devices');
    list.replaceChildren(...cameras.map((camera) => new Option(
      camera.label, camera.deviceId, false, camera.deviceId === (own ?? this.device))));
    list.hidden = cameras.length < 2 || !cameras[0].label;
    if (this.isOn) return;
    // Told before anyone presses Start; a fault that was met stays until it is mended.
    if (!cameras.length) this.fault = 'missing';
    else if (this.permission?.state === 'denied') this.fault = 'refused';
    else if (['missing', 'refused', 'unplugged'].includes(this.fault)) this.fault = null;
    this.show();
  }

  // --- the socket ---

  isSending() {
    return this.isOn && this.stream && this.data.way === 'socket';
  }

  connect() {
    if (!this.isSending() || this.socket) return;
    const address = new URL(this.data.path, document.baseURI);
    address.protocol = address.protocol.replace('http', 'ws');
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.onopen = () => {
      socket.send(this.data.token);
      this.isIntroduced = true;
      this.send();
    };
    socket.onmessage = (message) => this.hear(JSON.parse(message.data));
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.disconnect();
      if (!this.isSending()) return;
      this.isLost = true;
      this.again = setTimeout(() => this.connect(), this.pause);
      this.pause = Math.min(2 * this.pause, AGAIN_AT_MOST);
    };
  }

  disconnect() {
    clearTimeout(this.again);
    const socket = this.socket;
    this.socket = null;
    this.isIntroduced = false;
    this.sent.clear();
    socket?.close();
  }

  watch(attempt) {
    const step = (now, frame) => {
      if (attempt !== this.attempt) return;
      this.takenAt = frame?.captureTime ?? now;
      this.frameAt = performance.now();
      this.hasNew = true;
      this.send();
      this.next(step);
    };
    this.hasNew = false;
    this.frameAt = performance.now();
    this.next(step);
  }

  next(step) {
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(step);
    else requestAnimationFrame(step);
  }

  // No more pictures are on their way than are answered at once: that is all that keeps a slow
  // network from falling behind.
  async send() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!this.isSending() || !this.isIntroduced || !this.hasNew || !width) return;
    if (this.isEncoding || this.sent.size >= this.most) return;
    const { socket, takenAt } = this;
    this.hasNew = false;
    this.isEncoding = true;
    const picture = copied(this.video, width, height);
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    const jpeg = await this.encoder.encode(
      picture, Math.round(width * scale), Math.round(height * scale));
    this.isEncoding = false;
    if (socket !== this.socket || !this.isSending()) return;
    this.number = (this.number + 1) % 2 ** 31;
    const message = new Uint8Array(NUMBER_BYTES + jpeg.length);
    new DataView(message.buffer).setUint32(0, this.number);
    message.set(jpeg, NUMBER_BYTES);
    this.sent.set(this.number, { at: performance.now(), takenAt, picture });
    socket.send(message);
  }

  hear(reply) {
    this.isLost = false;
    this.pause = AGAIN;
    this.said = reply.error ?? null;
    const sent = this.sent.get(reply.frame);
    this.sent.delete(reply.frame);
    if (sent && reply.is_answered && this.isOn) {
      const way = performance.now() - sent.at - reply.ms;
      this.most = way > FAR * reply.ms ? 2 : 1;
      this.drawnAt = performance.now();
      this.draw(sent.picture, reply);
      this.show();
      const detail = { takenAt: sent.takenAt, faces: reply.faces.length, ms: reply.ms };
      this.canvas.dispatchEvent(new CustomEvent('answered', { bubbles: true, composed: true, detail }));
    }
    this.send();
  }

  // --- what is seen ---

  draw(picture, { turns, size, faces }) {
    const { canvas, isMirrored, data } = this;
    const sideways = turns % 2;
    const width = (canvas.width = sideways ? picture.height : picture.width);
    const height = (canvas.height = sideways ? picture.width : picture.height);
    const pen = canvas.getContext('2d');
    pen.setTransform(isMirrored ? -1 : 1, 0, 0, 1, isMirrored ? width : 0, 0);
    if (turns === 1) pen.transform(0, -1, 1, 0, 0, height);
    if (turns === 2) pen.transform(-1, 0, 0, -1, width, height);
    if (turns === 3) pen.transform(0, 1, -1, 0, width, 0);
    pen.drawImage(picture, 0, 0);
    pen.resetTransform();
    const unit = Math.max(width, height) / 640;
    faces.forEach((face) => {
      const corners = face.corners.map(([x, y]) => [
        (isMirrored ? size[0] - x : x) * (width / size[0]), y * (height / size[1])]);
      outline(pen, corners, face.doubtful, unit);
      const mark = face.doubtful ? '?' : '';
      const called = faces.length > 1 || mark ? `${face.number}${mark} ` : '';
      const lines = Object.entries(face.models).map(([key, { top1, confidence }]) => [
        data.colours[key], `${called}${key}: ${data.names[top1]} ${Math.round(100 * confidence)}%`]);
      label(pen, corners, lines, unit, width, height);
    });
  }

  fit() {
    // On a phone held sideways the picture and what stands below it fit the screen.
    const most = `${Math.max(160, window.innerHeight - this.data.around)}px`;
    this.find('pictures').style.setProperty('--most', most);
    this.find('camera').classList.toggle('large', this.data.large);
  }

  tick() {
    const [oldest] = this.sent.values();
    if (oldest && performance.now() - oldest.at > LATE) this.socket?.close();
    this.connect();
    this.send();
    this.show();
  }

  fallen() {
    if (this.fault) return this.fault;
    if (this.askedAt !== null && performance.now() - this.askedAt > UNANSWERED) return 'asking';
    if (!this.isSending()) return null;
    if (this.isLost) return 'lost';
    const isStill = performance.now() - this.frameAt > STILL;
    return isStill || this.stream.getVideoTracks()[0].muted ? 'still' : null;
  }

  show() {
    const { words } = this.data;
    const isSeen = this.isOn && this.stream;
    const isFresh = performance.now() - this.drawnAt < STALE;
    this.find('pictures').hidden = !isSeen;
    this.canvas.hidden = !(isSeen && isFresh);
    this.find('switch').textContent = this.isOn ? words.stop : words.start;
    this.find('switch').classList.toggle('on', this.isOn);
    const fault = this.fallen();
    const trouble = fault ? words[fault] : this.said;
    const sentence = trouble ?? (this.isOn ? '' : words.idle);
    const place = this.find('sentence');
    if (place.textContent !== sentence) place.textContent = sentence;
    this.find('told').hidden = !sentence;
    this.find('told').classList.toggle('trouble', !!trouble);
    this.find('photo').hidden = !fault || fault === 'lost';
    this.root.host?.setAttribute('data-state', fault ?? this.state(isSeen));
  }

  state(isSeen) {
    if (!this.isOn) return 'off';
    return isSeen || this.data.shown ? 'on' : 'opening';
  }

  end() {
    clearInterval(this.clock);
    this.listening.forEach((forget) => forget());
    this.isOn = false;
    this.close();
    this.disconnect();
    this.encoder.end();
  }
}

// Makes JPEGs of canvases, one at a time; in a worker where the browser has what it takes.
class Encoder {
  constructor() {
    if (!window.OffscreenCanvas || !window.createImageBitmap) return;
    this.address = URL.createObjectURL(new Blob([ENCODER], { type: 'text/javascript' }));
    try {
      this.worker = new Worker(this.address);
    } catch {
      // A site's own rules may forbid workers.
      this.worker = null;
    }
  }

  async encode(picture, width, height) {
    if (this.worker) {
      const bitmap = await createImageBitmap(picture);
      const jpeg = await new Promise((resolve) => {
        this.worker.onmessage = ({ data }) => resolve(data);
        this.worker.onerror = () => resolve(null);
        this.worker.postMessage({ bitmap, width, height, quality: QUALITY }, [bitmap]);
      });
      if (jpeg) return new Uint8Array(jpeg);
      this.end();
    }
    // `toBlob` waits for an idle page, in WebKit for a second.
    const address = copied(picture, width, height).toDataURL('image/jpeg', QUALITY);
    return Uint8Array.from(atob(address.split(',')[1]), (letter) => letter.charCodeAt(0));
  }

  end() {
    this.worker?.terminate();
    this.worker = null;
    URL.revokeObjectURL(this.address);
  }
}

function copied(picture, width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d').drawImage(picture, 0, 0, width, height);
  return canvas;
}

function outline(pen, corners, isDoubtful, unit) {
  pen.strokeStyle = '#fff';
  pen.lineWidth = 2.5 * unit;
  pen.setLineDash(isDoubtful ? [10 * unit, 8 * unit] : []);
  pen.beginPath();
  corners.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.stroke();
}

function label(pen, corners, lines, unit, width, height) {
  const line = 27 * unit;
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  const above = Math.min(...ys) - line * lines.length;
  const top = above >= 0 ? above : Math.min(Math.max(...ys), height - line * lines.length);
  pen.font = `600 ${18 * unit}px sans-serif`;
  pen.textBaseline = 'middle';
  lines.forEach(([colour, text], at) => {
    const wide = pen.measureText(text).width + 12 * unit;
    const left = Math.max(0, Math.min(Math.min(...xs), width - wide));
    pen.fillStyle = colour;
    pen.fillRect(left, top + at * line, wide, line - unit);
    pen.fillStyle = '#0f172a';
    pen.fillText(text, left + 6 * unit, top + (at + 0.5) * line);
  });
}

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  let camera = known.get(parentElement);
  if (!camera) {
    camera = new Camera(parentElement);
    known.set(parentElement, camera);
  }
  camera.follow(data, { setStateValue, setTriggerValue });
  return () => {
    camera.end();
    known.delete(parentElement);
  };
}
