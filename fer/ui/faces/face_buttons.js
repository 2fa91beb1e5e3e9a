// One picture holds all faces, so that a page of seventy costs one message. A row is one stop of
// the Tab key; arrows go along it.
function button(face, data, press) {
  const made = document.createElement('button');
  made.type = 'button';
  made.dataset.at = face.at;
  const picture = document.createElement('span');
  picture.className = 'picture';
  picture.setAttribute('role', 'presentation');
  picture.style.backgroundImage = `url(${data.sprite})`;
  picture.style.backgroundSize = `${100 * data.count}% 100%`;
  const last = Math.max(data.count - 1, 1);
  picture.style.backgroundPosition = `${(100 * face.at) / last}% 0`;
  made.append(picture);
  made.setAttribute('aria-label', face.words);
  made.title = face.words;
  if (face.marked) made.classList.add('marked');
  if (face.caption) {
    const caption = document.createElement('span');
    caption.className = 'caption';
    caption.textContent = face.caption;
    made.append(caption);
  }
  made.onclick = () => press(face.at);
  return made;
}
function row(group, data, press) {
  const made = document.createElement('div');
  made.className = 'row';
  if (group.title) {
    const title = document.createElement('div');
    title.className = 'title';
    title.textContent = group.title;
    made.append(title);
  }
  const faces = document.createElement('div');
  faces.className = 'faces';
  if (data.columns) {
    faces.classList.add('even');
    faces.style.setProperty('--columns', data.columns);
    faces.style.setProperty('--fewer', Math.ceil(data.columns / (data.columns > 7 ? 2 : 1)));
  }
  faces.setAttribute('role', 'toolbar');
  faces.setAttribute('aria-label', group.title || data.label);
  for (const face of group.faces) faces.append(button(face, data, press));
  faces.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = [...faces.children];
    const at = all.indexOf(event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = all[(at + step + all.length) % all.length];
    for (const one of all) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  };
  made.append(faces);
  return made;
}
export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector('.root');
  if (!root) {
    root = document.createElement('div');
    root.className = 'root';
    parentElement.append(root);
  }
  // Drawn anew only for other faces or words: the button that was pressed keeps the focus.
  const drawn = JSON.stringify([data.groups, data.label, data.sprite.length]);
  if (root.dataset.drawn !== drawn) {
    const press = (at) => {
      setTriggerValue('pressed', at);
      const answer = document.querySelector(`.st-key-${data.answer}`);
      if (answer) {
        // What stands above the bars is seen, too: the face, and what each model answers.
        answer.style.scrollMarginTop = '220px';
        answer.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
      }
    };
    root.replaceChildren(...data.groups.map((group) => row(group, data, press)));
    root.dataset.drawn = drawn;
  }
  for (const faces of root.querySelectorAll('.faces')) {
    const all = [...faces.children];
    const chosen = all.find((one) => Number(one.dataset.at) === data.chosen);
    const focused = all.find((one) => one.matches(':focus'));
    for (const one of all) {
      one.setAttribute('aria-pressed', one === chosen);
      one.tabIndex = one === (focused || chosen || all[0]) ? 0 : -1;
    }
  }
}
