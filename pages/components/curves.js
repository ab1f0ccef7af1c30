// Curves that grow while they are read. What the reader did (zoom, hidden lines, crosshair) lives
// here and not in the data, so an update takes nothing of it away. uPlot comes before this text.
const DASHES = [
  [], [8, 4], [2, 3], [10, 3, 2, 3], [13, 3], [5, 2], [9, 3, 2, 3, 2, 3], [2, 6], [10, 3, 5, 3],
  [5, 6],
];
const MARKS = ["circle", "square", "diamond", "triangle"];
const MARK = 8; // pixels across
const Y_AXIS = 46; // pixels, the same in all panels, so that their x axes line up
const RIGHT = 18; // pixels beside the curves, for labels at their ends
const CLOSEST = 1e-5; // of the run, that can be zoomed to
const KEYS = "With keys: plus and minus zoom, left and right move, 0 shows the whole run.";
const instances = new WeakMap();
let count = 0;

class Curves {
  constructor(root) {
    this.root = root;
    this.sync = `digit-studio-curves-${count++}`;
    this.zoomed = null; // [from, to] on the x axis; null: the whole run
    this.hidden = new Set(); // "title/label"
    this.panels = [];
    this.readout = make("output", { className: "readout", ariaLive: "off" });
    this.whole = make("button", { type: "button", className: "whole", textContent: "Whole run" });
    this.whole.onclick = () => this.zoom(null);
    const hint = make("span", { className: "hint", textContent: "Drag across to zoom" });
    hint.append(make("span", { className: "by-key", textContent: ", or use + and −" }));
    // For who hears the plots, which name it as their description.
    this.keys = make("span", { id: `keys-${count++}`, hidden: true, textContent: KEYS });
    const bar = make("div", { className: "bar" });
    bar.append(this.readout, hint, this.whole, this.keys);
    root.setAttribute("aria-label", "Curves over the epochs");
    root.append(bar);
    this.observer = new ResizeObserver(() => this.panels.forEach((panel) => panel.resize()));
    this.observer.observe(root);
    // Text drawn before its font was there.
    document.fonts.ready.then(() => this.panels.forEach((panel) => panel.chart?.redraw(false)));
  }

  update(data) {
    this.data = data;
    this.theme = readTheme(this.root);
    const lasts = data.xs.filter((x) => x.length).map((x) => x[x.length - 1]);
    this.latest = Math.max(0, ...lasts);
    this.end = Math.max(this.latest, data.xEnd ?? 0) || 1;
    data.panels.forEach((given, place) => {
      const looks = given.lines.map((l) => [l.label, l.style, l.colour, l.low !== null]);
      const shape = JSON.stringify([given.title, given.unit, given.height, looks]);
      if (this.panels[place]?.shape !== shape) {
        const panel = new PanelView(this, given, shape);
        if (this.panels[place]) this.panels[place].replaceWith(panel);
        else this.root.append(panel.element);
        this.panels[place] = panel;
      }
      this.panels[place].update(given, place === 0 ? data.told : null);
    });
    this.panels.splice(data.panels.length).forEach((panel) => panel.remove());
    this.tell(null);
    this.zoom(this.zoomed);
  }

  view() {
    return this.zoomed ?? [0, this.end];
  }

  zoom(range) {
    this.zoomed = range;
    this.whole.disabled = !range;
    const [min, max] = this.view();
    this.panels.forEach((panel) => panel.chart?.setScale("x", { min, max }));
  }

  // A key pressed on a plot. Zooming keeps the crosshair, or else the middle, where it is.
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    const times = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
    const move = { ArrowLeft: -0.2, ArrowRight: 0.2 }[event.key];
    const whole = event.key === "0" || event.key === "Escape";
    if (!times && !move && !whole) return;
    event.preventDefault();
    const [min, max] = this.view();
    const span = Math.max((max - min) * (times ?? 1), this.end * CLOSEST);
    if (whole || span > this.end * 0.999) return this.zoom(null);
    const still = this.at ?? (min + max) / 2;
    const from = move ? min + move * span : still - ((still - min) / (max - min)) * span;
    const start = Math.max(0, Math.min(from, this.end - span));
    this.zoom([start, start + span]);
  }

  // x: where the crosshair is; null leaves it, undefined says it went away.
  tell(x) {
    if (x !== null) this.at = x;
    const shown = this.at === undefined ? undefined : Math.min(this.at, this.latest);
    const step = this.view()[1] - this.view()[0];
    const words = shown?.toFixed(step > 20 ? 1 : step > 0.5 ? 2 : 4);
    setText(this.readout, words ? `At epoch ${words}` : "Latest values");
  }

  destroy() {
    this.observer.disconnect();
    this.panels.forEach((panel) => panel.remove());
  }
}

class PanelView {
  constructor(owner, given, shape) {
    this.owner = owner;
    this.shape = shape;
    this.given = given;
    const labels = given.lines.map((line) => line.label);
    this.short = labels.length > 1 && labels.every((label) => label.length <= 2);
    this.dense = this.short || labels.length > 6;
    this.looks = looksOf(given.lines);

    this.element = make("section", { className: "panel" });
    const head = make("div", { className: "head" });
    this.title = make("span", { className: "title", textContent: given.title });
    if (this.dense && given.unit) this.title.append(`, ${given.unit}`);
    head.append(this.title);
    this.tip = make("span", { className: "tip", id: `tip-${count++}` });
    this.tip.setAttribute("role", "tooltip");
    this.question = make("button", { type: "button", className: "question", textContent: "?" });
    this.question.setAttribute("aria-label", `About: ${given.title}`);
    this.question.setAttribute("aria-describedby", this.tip.id);
    this.question.onkeydown = (event) => event.key === "Escape" && this.question.blur();
    head.append(this.question, this.tip);

    const legend = make("div", { className: "legend" });
    legend.classList.toggle("dense", this.dense);
    this.items = given.lines.map((line, i) => this.item(line, i));
    legend.append(...this.items.map((item) => item.button));

    this.plot = make("div", { className: "plot" });
    this.plot.setAttribute("role", "img");
    this.plot.setAttribute("aria-describedby", owner.keys.id);
    this.plot.setAttribute("aria-keyshortcuts", "+ - ArrowLeft ArrowRight 0 Escape");
    this.plot.tabIndex = 0;
    this.plot.onkeydown = (event) => owner.press(event);
    this.plot.style.height = `${given.height}px`;
    this.waiting = make("div", { className: "waiting" });
    this.waiting.append(make("span", { textContent: "Waiting for the first batch ..." }));
    this.plot.append(this.waiting);
    const top = make("div", { className: "top" });
    top.append(head, legend);
    this.element.append(top, this.plot);
  }

  item(line, i) {
    const button = make("button", { type: "button" });
    const label = make("span", { className: "label", textContent: line.label });
    const value = make("span", { className: "value" });
    button.innerHTML = swatch(this.looks[i], this.dense ? 20 : 28);
    value.classList.toggle("band", this.looks[i].band);
    button.append(label, value);
    const name = `${this.given.title}/${line.label}`;
    button.setAttribute("aria-pressed", String(!this.owner.hidden.has(name)));
    button.onclick = () => {
      const show = this.owner.hidden.delete(name);
      if (!show) this.owner.hidden.add(name);
      button.setAttribute("aria-pressed", String(show));
      const { chart } = this;
      chart?.batch(() => this.looks[i].series.forEach((s) => chart.setSeries(s, { show })));
    };
    return { button, value };
  }

  update(given, told) {
    this.given = given;
    const { xs } = this.owner.data;
    this.data = given.lines.flatMap((line) => {
      const x = xs[line.x];
      return line.low ? [[x, line.low], [x, line.high]] : [[x, line.y]];
    });
    this.empty = given.lines.every((line) => line.y.every((y) => y === null));
    this.waiting.hidden = !this.empty;
    setText(this.tip, given.help);
    this.question.hidden = !given.help;
    this.items.forEach((item, i) => {
      item.button.classList.toggle("bold", given.lines[i].bold);
      item.button.firstChild.style.color = this.colour(i);
    });
    this.draw();
    this.legend();
    this.plot.setAttribute("aria-label", told ?? this.summary());
  }

  draw() {
    const data = this.data.length ? uPlot.join(this.data) : [[]];
    this.chart ??= this.create();
    const { chart } = this;
    this.given.lines.forEach((line, i) => {
      const look = this.looks[i];
      if (!look.band) chart.series[look.series[0]].width = line.bold ? 3.5 : look.width;
    });
    const [min, max] = this.owner.view();
    chart.batch(() => {
      chart.setData(data, false);
      chart.setScale("x", { min, max });
    });
  }

  create() {
    const { given, owner } = this;
    const font = `12px ${getComputedStyle(owner.root).fontFamily}`;
    const axis = {
      font,
      stroke: () => owner.theme.quiet,
      grid: { stroke: () => owner.theme.grid, width: 1 },
      ticks: { show: false },
    };
    const chart = new uPlot(
      {
        width: this.plot.clientWidth || 320,
        height: given.height,
        padding: [8, RIGHT, 0, 0],
        legend: { show: false },
        scales: {
          x: { time: false, range: () => owner.view() },
          y: { range: (_, min, max) => this.range(min, max) },
        },
        axes: [
          {
            ...axis,
            size: 24,
            gap: 6,
            space: 44,
            values: (_, splits) => splits.map((x) => tick(x, "")),
          },
          {
            ...axis,
            size: Y_AXIS,
            gap: 6,
            space: 24,
            values: (_, splits) => splits.map((y) => tick(y, given.unit)),
          },
        ],
        series: [{}, ...given.lines.flatMap((line, i) => this.series(line, i))],
        bands: this.looks
          .filter((look) => look.band)
          .map((look) => ({
            series: [look.series[1], look.series[0]],
            fill: () => this.colour(look.place) + "40",
          })),
        cursor: {
          y: false,
          drag: { x: true, y: false, setScale: false, dist: 6 },
          sync: {
            key: owner.sync,
            scales: ["x", null],
            setSeries: false,
            filters: { pub: (type) => type === "mousemove" },
          },
          points: {
            size: (_, s) => (this.owners[s].band ? 0 : 7),
            fill: (_, s) => this.colour(this.owners[s].place),
          },
          bind: { dblclick: () => () => owner.zoom(null) },
        },
        hooks: {
          setSelect: [
            (u) => {
              const { left, width } = u.select;
              const range = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              if (range[1] - range[0] > owner.end * CLOSEST) owner.zoom(range);
            },
          ],
          setCursor: [
            (u) => {
              const { left } = u.cursor;
              owner.tell(left >= 0 ? u.posToVal(left, "x") : undefined);
              this.legend();
            },
          ],
          draw: this.short ? [(u) => this.labels(u, font)] : [],
        },
      },
      null,
      this.plot,
    );
    fingers(chart.over);
    return chart;
  }

  series(line, i) {
    const look = this.looks[i];
    const common = {
      show: !this.owner.hidden.has(`${this.given.title}/${line.label}`),
      pxAlign: 0,
      points: { show: false },
    };
    if (look.band) {
      const edge = { ...common, stroke: "transparent", width: 0 };
      return [edge, { ...edge }];
    }
    const stroke = () => this.colour(i);
    const points = look.mark && {
      show: true,
      size: MARK,
      width: 1.5,
      stroke,
      fill: stroke,
      paths: (u, s, from, to) => marks(u, s, from, to, look.mark),
    };
    return [
      {
        ...common,
        stroke,
        width: look.width,
        dash: look.dash,
        cap: look.dash.length ? "butt" : "round",
        alpha: look.faint ? 0.4 : 1,
        points: points ?? common.points,
      },
    ];
  }

  // Which line a series of the chart belongs to; a band takes three.
  get owners() {
    return [null, ...this.looks.flatMap((look) => look.series.map(() => look))];
  }

  colour(i) {
    const { colours } = this.owner.theme;
    return colours[this.given.lines[i].colour % colours.length];
  }

  range(min, max) {
    const { unit, range } = this.given;
    let low = 0;
    let high = 1;
    if (min !== null) [low, high] = uPlot.rangeNum(min, max, 0.1, true);
    else if (unit === "%") high = 100;
    if (unit === "%" && max !== null && max <= 100) high = Math.min(high, 100);
    return [range[0] ?? low, range[1] ?? high];
  }

  // The label of a line at its end, the highest first, as long as there is room.
  labels(u, font) {
    const { ctx } = u;
    const ratio = devicePixelRatio;
    const ends = [];
    this.looks.forEach((look) => {
      const s = look.series[0];
      const { idxs } = u.series[s];
      if (!u.series[s].show) return;
      let i = Math.min(idxs[1], u.data[0].length - 1);
      while (i >= idxs[0] && u.data[s][i] == null) i--;
      if (i < idxs[0]) return;
      const goesOn = i + 1 < u.data[0].length;
      const x = goesOn ? u.bbox.left + u.bbox.width : u.valToPos(u.data[0][i], "x", true);
      const y = u.valToPos(u.data[s][i], "y", true);
      ends.push({ x, y, label: this.given.lines[look.place].label });
    });
    ends.sort((a, b) => a.y - b.y);
    ctx.save();
    ctx.font = `600 ${font.replace("12px", `${12 * ratio}px`)}`;
    ctx.fillStyle = this.owner.theme.text;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    let free = -Infinity;
    for (const { x, y, label } of ends) {
      if (y < free) continue;
      ctx.fillText(label, x + 5 * ratio, y);
      free = y + 12 * ratio;
    }
    ctx.restore();
  }

  legend() {
    const idxs = this.chart?.cursor.left >= 0 ? this.chart.cursor.idxs : null;
    this.items.forEach((item, i) => {
      const { series } = this.looks[i];
      const values = idxs
        ? series.map((s) => this.chart.data[s]?.[idxs[s]])
        : latest(this.given.lines[i]);
      setText(item.value, words(values, this.given.unit, this.dense));
    });
  }

  summary() {
    const { title, unit, lines } = this.given;
    const values = lines.map((line) => `${line.label} ${words(latest(line), unit, false)}`);
    return `${title}: ${this.empty ? "nothing yet" : values.join(", ")}`;
  }

  resize() {
    const width = this.plot.clientWidth;
    if (this.chart && width && width !== this.chart.width) {
      this.chart.setSize({ width, height: this.given.height });
    }
  }

  replaceWith(other) {
    this.element.replaceWith(other.element);
    this.remove();
  }

  remove() {
    this.chart?.destroy();
    this.element.remove();
  }
}

// What tells the lines of a panel apart besides colour: dashes for lines, shapes for points.
function looksOf(lines) {
  let series = 1;
  const seen = { line: 0, points: 0 };
  return lines.map((line, place) => {
    const look = { place, series: [series++], width: 2, dash: [], band: line.low !== null };
    if (line.style === "line") look.dash = DASHES[seen.line++ % DASHES.length];
    if (line.style === "points") {
      look.mark = MARKS[seen.points++ % MARKS.length];
      look.width = 1.25;
    }
    if (line.style === "faint") {
      look.width = 1;
      look.faint = true;
    }
    if (look.band) look.series.push(series++);
    return look;
  });
}

function swatch(look, width) {
  const middle = width / 2;
  const shape = {
    circle: `<circle cx="${middle}" cy="7" r="4"/>`,
    square: `<rect x="${middle - 3.5}" y="3.5" width="7" height="7"/>`,
    diamond: `<path d="M${middle} 2l5 5-5 5-5-5z"/>`,
    triangle: `<path d="M${middle} 2.5l4.5 8h-9z"/>`,
  }[look.mark];
  const line = look.band
    ? `<rect y="2" width="${width}" height="10" opacity="0.35"/>`
    : `<path d="M0 7h${width}" stroke="currentColor" stroke-width="${look.width}"` +
      ` stroke-dasharray="${look.dash.join(" ")}" ${look.faint ? 'opacity="0.6"' : ""}/>`;
  return (
    `<svg width="${width}" height="14" fill="currentColor" aria-hidden="true">` +
    `${line}${shape ?? ""}</svg>`
  );
}

function marks(u, s, from, to, shape) {
  const fill = new Path2D();
  const clip = new Path2D();
  const r = (MARK / 2) * devicePixelRatio;
  const { left, top, width, height } = u.bbox;
  clip.rect(left - 2 * r, top - 2 * r, width + 4 * r, height + 4 * r);
  for (let i = from; i <= to; i++) {
    if (u.data[s][i] == null) continue;
    const x = u.valToPos(u.data[0][i], "x", true);
    const y = u.valToPos(u.data[s][i], "y", true);
    const corners = {
      square: [[-0.8, -0.8], [0.8, -0.8], [0.8, 0.8], [-0.8, 0.8]],
      diamond: [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]],
      triangle: [[0, -1.1], [1.1, 0.85], [-1.1, 0.85]],
    }[shape];
    if (corners) {
      corners.forEach(([dx, dy], n) => fill[n ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
      fill.closePath();
    } else {
      fill.moveTo(x + r, y);
      fill.arc(x, y, r, 0, 2 * Math.PI);
    }
  }
  return { stroke: fill, fill, clip, flags: 3 };
}

// uPlot knows the mouse only. A finger that moves sideways drags like one; up and down it scrolls
// the page (touch-action in the style sheet), and a tap moves the crosshair without help.
function fingers(over) {
  let start = null;
  let dragging = false;
  const send = (type, target, at) => {
    const { clientX, clientY } = at;
    const how = { clientX, clientY, movementX: 1, bubbles: true, composed: true };
    target.dispatchEvent(new MouseEvent(type, how));
  };
  const end = (event) => {
    if (dragging) {
      if (event.type === "pointercancel") send("mousemove", over, start);
      send("mouseup", document, event.type === "pointercancel" ? start : event);
      send("mouseleave", over, event);
    }
    start = null;
    dragging = false;
  };
  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" && event.isPrimary) start = event;
  });
  over.addEventListener("pointermove", (event) => {
    if (!start || !event.isPrimary) return;
    if (!dragging && Math.abs(event.clientX - start.clientX) > 8) {
      dragging = true;
      send("mousedown", over, start);
    }
    if (dragging) send("mousemove", over, event);
  });
  over.addEventListener("pointerup", end);
  over.addEventListener("pointercancel", end);
}

function readTheme(element) {
  const style = getComputedStyle(element);
  const context = document.createElement("canvas").getContext("2d");
  // Any way to write a colour becomes #rrggbb, to which a transparency can be added.
  const colour = (name, otherwise) => {
    context.fillStyle = otherwise;
    context.fillStyle = name;
    return context.fillStyle;
  };
  const read = (name, otherwise) => colour(style.getPropertyValue(name).trim(), otherwise);
  const list = style.getPropertyValue("--st-chart-categorical-colors");
  return {
    text: read("--st-text-color", "#1e293b"),
    quiet: read("--st-gray-color", "#64748b"),
    grid: read("--st-border-color", "#ded9cd"),
    colours: (list.match(/#\w+|\w+\([^)]*\)|\w+/g) ?? ["#808080"]).map((c) => colour(c, "#808080")),
  };
}

// The last values of a line: one, or the edges of a band.
function latest(line) {
  const edges = line.low ? [line.low, line.high] : [line.y];
  return edges.map((values) => values.findLast((value) => value !== null));
}

function words(values, unit, dense) {
  if (values.some((value) => value == null)) return "–";
  const text = values.map((value) => digits(value, unit, dense)).join("–");
  if (dense || !unit) return text;
  return unit.startsWith("/") ? text + unit : `${text} ${unit}`;
}

// About four digits that matter.
function digits(value, unit, dense) {
  const size = Math.abs(value);
  if (unit === "%") return value.toFixed(dense ? 1 : 2);
  if (size >= 1000) return Math.round(value).toLocaleString("en-GB");
  if (size && size < 1e-3) return value.toExponential(2);
  return value.toPrecision(4);
}

function tick(value, unit) {
  if (value == null) return "";
  const size = Math.abs(value);
  let text = String(Number(value.toPrecision(6)));
  if (size && size < 1e-3) text = Number(value.toPrecision(6)).toExponential();
  else if (size >= 10000) text = `${Number((value / 1000).toPrecision(6))}k`;
  return unit === "%" ? `${text} %` : text;
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Called by the component at each update; see curves.py.
globalThis.digitStudioCurves = {
  show({ data, parentElement }) {
    if (!instances.has(parentElement)) {
      instances.set(parentElement, new Curves(parentElement.querySelector(".curves")));
    }
    instances.get(parentElement).update(data);
  },
  remove(parentElement) {
    instances.get(parentElement)?.destroy();
    instances.delete(parentElement);
  },
};
document.dispatchEvent(new Event("curves-ready"));
