// The one that reads may come to the page later than this, or be followed by another.
export default function (mount) {
  const show = () => globalThis.digitStudioLive.show(mount);
  if (globalThis.digitStudioLive) show();
  else document.addEventListener("digit-live-ready", show, { once: true });
  return () => {
    document.removeEventListener("digit-live-ready", show);
    globalThis.digitStudioLive?.remove(mount.parentElement);
  };
}
