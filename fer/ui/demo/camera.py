"""Whether the browser has a camera and lets this page use it, told before anyone presses Start."""

from __future__ import annotations

from typing import Literal

import streamlit as st

Camera = Literal["ready", "missing", "refused"]
KEY = "webcam_camera"

# Asks for no permission and opens no camera. Tells again when one is plugged in or out, and when
# the visitor changes the permission. Silence means that there is a camera, so that an ordinary
# visit costs no second run of the page.
SCRIPT = """
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
"""
_component = st.components.v2.component("fer_camera", js=SCRIPT)


def state() -> Camera:
    """What the browser said last; "ready" until it says otherwise. Draws nothing to be seen."""
    found: Camera | None = _component(key=KEY, on_camera_change=lambda: None).camera
    return found or "ready"
