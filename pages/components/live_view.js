// The one that reads may come to the page later than this. And of two runs that reach a component at
// once, Streamlit cleans up after the first when the second is there already: the last one counts.
const runs = new WeakMap();

export default function (mount) {
  const { parentElement } = mount;
  runs.set(parentElement, mount);
  const counts = () => runs.get(parentElement) === mount;
  const show = () => counts() && globalThis.digitStudioLive.show(mount);
  if (globalThis.digitStudioLive) show();
  else document.addEventListener("digit-live-ready", show, { once: true });
  return () => {
    document.removeEventListener("digit-live-ready", show);
    if (!counts()) return;
    runs.delete(parentElement);
    globalThis.digitStudioLive?.remove(parentElement);
  };
}
