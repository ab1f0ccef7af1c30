// A row of pictures that can be clicked. Buttons that stay are kept, so nothing flickers and the
// keyboard focus survives.
export default function ({ data, parentElement, setTriggerValue }) {
  const row = parentElement.querySelector(".row");
  row.setAttribute("aria-label", data.label);
  row.classList.toggle("swipe", data.swipe);
  const old = new Map([...row.children].map((button) => [button.dataset.id, button]));
  const wanted = data.pictures.map((picture) => {
    const button = old.get(String(picture.id)) ?? document.createElement("button");
    old.delete(String(picture.id));
    if (!button.firstChild) {
      button.type = "button";
      button.dataset.id = picture.id;
      button.append(document.createElement("img"));
    }
    const image = button.firstChild;
    if (image.getAttribute("src") !== picture.source) image.src = picture.source;
    image.alt = picture.alt;
    button.title = picture.alt;
    button.setAttribute("aria-pressed", String(picture.id === data.chosen));
    button.onclick = () => setTriggerValue("picked", picture.id);
    return button;
  });
  old.forEach((button) => button.remove());
  wanted.forEach((button, place) => {
    if (row.children[place] !== button) row.insertBefore(button, row.children[place] ?? null);
  });
}
