// What views are made of: elements, numbers as people read them, tables that change in place, charts.

/** An element; children are text unless they are elements. */
export function el(tag, more = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(more)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const GOOD = ["LIVE"];
const WARN = ["SYNCING", "SUBSCRIBING", "CONNECTING", "DRAINING", "DEGRADED", "IDLE"];

/** A state, in its colour. */
export const verdict = (state) => el("span", {
  class: GOOD.includes(state) ? "good" : WARN.includes(state) ? "warn"
    : state === "CLOSED" || state === "NONE" ? "faint" : "bad",
}, state);

export const count = (value) => value ? value.toLocaleString("en") : "-";
export const rate = (value) => value >= 10000 ? `${(value / 1000).toFixed(1)}k`
  : value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1);

/** A share that never rounds up to the whole. */
export const percent = (value) => value >= 1 ? "100 %" : `${Math.min(99.9999, 100 * value).toFixed(4)} %`;

/** Bytes. */
export function size(value) {
  for (const unit of ["B", "KiB", "MiB"]) {
    if (value < 1024) return `${value.toFixed(unit === "B" || value >= 10 ? 0 : 1)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} GiB`;
}

/** A length of time, of nanoseconds, in the unit that suits it. */
export function length(ns) {
  if (!ns || ns < 0) return "-";
  if (ns < 1e6) return `${(ns / 1e3).toFixed(0)} us`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(ns < 1e7 ? 1 : 0)} ms`;
  const seconds = ns / 1e9;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const clock = (ns) => ns ? new Date(ns / 1e6).toISOString().slice(11, 23) : "-";

/**
 * A table in a box. columns: [title, cell of a row, classes, what it is sorted by]; rows keep their
 * place in the document, so that focus and selection stay where they are.
 */
export function table(box, columns, rows, key, caption, more = {}) {
  let made = box.querySelector("table");
  if (!made) {
    made = el("table", {}, el("caption", {}), el("thead", {}, el("tr")), el("tbody"));
    box.append(made);
  }
  if (made.caption.textContent !== caption) made.caption.textContent = caption;
  heads(made.tHead.rows[0], columns, more);
  const body = made.tBodies[0];
  const there = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  rows.forEach((row, at) => {
    const name = key(row);
    let line = there.get(name);
    if (!line) {
      line = el("tr", {}, ...columns.map(([, , classes]) => el("td", classes ? {class: classes} : {})));
      line.dataset.key = name;
    }
    there.delete(name);
    line.className = more.mark ? more.mark(row) : "";
    columns.forEach(([, cell], i) => fill(line.cells[i], cell(row)));
    if (body.rows[at] !== line) body.insertBefore(line, body.rows[at] || null);
  });
  there.forEach((line) => line.remove());
}

function heads(row, columns, {sort, down, turn}) {
  const wanted = JSON.stringify([columns.map((column) => column[0]), sort, down]);
  if (row.dataset.made === wanted) return;
  row.dataset.made = wanted;
  const focused = row.contains(document.activeElement) ? document.activeElement.dataset.name : "";
  row.replaceChildren(...columns.map(([title, , classes, name]) => {
    const head = el("th", {scope: "col", class: classes || ""});
    if (!name) head.append(title);
    else {
      const button = el("button", {type: "button"}, title + (sort === name ? (down ? " ↓" : " ↑") : ""));
      button.dataset.name = name;
      button.addEventListener("click", () => turn(name));
      head.append(button);
      if (sort === name) head.setAttribute("aria-sort", down ? "descending" : "ascending");
    }
    return head;
  }));
  if (focused) row.querySelector(`button[data-name="${focused}"]`)?.focus();
}

function fill(cell, value) {
  const parts = Array.isArray(value) ? value : [value];
  if (parts.every((part) => typeof part === "string")) {
    const words = parts.join("");
    if (cell.childElementCount || cell.textContent !== words) cell.textContent = words;
    return;
  }
  const one = parts.length === 1 && parts[0];
  const old = cell.childElementCount === 1 && cell.firstElementChild;
  if (one && old && one.isEqualNode(old)) return;
  if (one && old && one.tagName === "A" && old.tagName === "A") { // keep what may have the focus
    old.textContent = one.textContent;
    old.setAttribute("href", one.getAttribute("href"));
    return;
  }
  cell.replaceChildren(...parts);
}

// Its legend and its annotations write inline styles, which this page forbids to everybody.
Dygraph.PLUGINS = Dygraph.PLUGINS.filter((one) =>
  one !== Dygraph.Plugins.Legend && one !== Dygraph.Plugins.Annotations);

/** Charts of points: [title, [[name, column], ...]]; answers with what draws them anew. */
export function drawing(box, points, wanted) {
  const places = wanted.map(([title, series]) => {
    const place = el("div", {class: "chart", role: "img", "aria-label": title});
    const names = series.length < 2 ? [] : series.map(([name], at) =>
      el("span", {class: at ? "two" : "one"}, ` - ${name}`));
    box.append(el("figure", {}, el("figcaption", {}, title, ...names), place));
    return place;
  });
  const made = wanted.map(([, series], at) => chart(places[at], points, series));
  return (all) => made.forEach((draw) => draw(all));
}

function chart(place, points, series) {
  const rows = (all) => all.length
    ? all.map((point) => [new Date(point[0] * 1000), ...series.map(([, column]) => point[column])])
    : [[new Date(), ...series.map(() => null)]];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = new Dygraph(place, rows(points), {
    labels: ["time", ...series.map(([name]) => name)],
    colors: [colour("--one"), colour("--two")].slice(0, series.length),
    axisLabelColor: colour("--faint"), axisLineColor: colour("--line"), gridLineColor: colour("--line"),
    includeZero: true, strokeWidth: 1.5, animatedZooms: false,
    axes: {x: {axisLabelWidth: 66}, y: {axisLabelWidth: 44}},
  });
  return (all) => drawn.updateOptions({file: rows(all)});
}
