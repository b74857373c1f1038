// The page: one view at a time, named by what follows the # of its address, fed by server-sent events.
// Whatever a venue calls its instruments is text here, never markup.

import {clock, count, drawing, el, length, percent, rate, size, table, verdict} from "./parts.js";

const content = document.getElementById("content");
const pulse = document.getElementById("pulse");
const charts = new Map();
let stream = null;
let shown = null; // {view, query, sort, down, filter}
let heard = 0;

// ---- where we are

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch { // written by hand
    return part;
  }
}

function place() {
  const [view, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (view === "venue") return {view, query: {venue: rest[0]}};
  if (view === "book") return {view, query: {venue: rest[0], symbol: rest[1]}};
  if (view === "chain") {
    return {view, query: {venue: rest[0], underlying: rest[1], expiry: rest[2] || ""}};
  }
  if (view === "readers") return {view, query: {}};
  return {view: "venues", query: {}};
}

export const link = (...parts) => "#/" + parts.map(encodeURIComponent).join("/");

function path() {
  const {view, query} = shown;
  const steps = [["venues", "#/"]];
  if (view === "readers") steps.push(["readers", link("readers")]);
  if (query.venue) steps.push([query.venue, link("venue", query.venue)]);
  if (view === "book") steps.push([query.symbol, null]);
  if (view === "chain") steps.push([query.underlying, null]);
  document.getElementById("path").replaceChildren(...steps.map(([text, to], at) =>
    el("li", {}, at === steps.length - 1 ? el("span", {"aria-current": "page"}, text)
      : el("a", {href: to}, text))));
  document.title = steps.length > 1 ? `${steps.at(-1)[0]} - feedhandler` : "feedhandler";
}

function open() {
  const before = shown;
  shown = {...place(), sort: "", down: false, filter: ""};
  if (before && before.view === shown.view && before.view === "venue") shown.filter = "";
  charts.clear();
  content.replaceChildren();
  path();
  listen();
  if (before) content.focus({preventScroll: true});
}

function listen() {
  if (stream) stream.close();
  const asked = new URLSearchParams({view: shown.view, ...shown.query});
  if (shown.view === "venue") {
    asked.set("filter", shown.filter);
    asked.set("sort", shown.sort);
    asked.set("order", shown.down ? "down" : "up");
  }
  stream = new EventSource(`/events?${asked}`);
  stream.addEventListener("look", (event) => {
    heard = Date.now();
    draw(JSON.parse(event.data));
  });
  stream.addEventListener("gone", (event) => {
    heard = Date.now();
    content.replaceChildren(el("h1", {}, "Not there"), el("p", {class: "say"}, event.data));
  });
}

setInterval(() => {
  const silent = heard && Date.now() - heard > 4000;
  pulse.classList.toggle("bad", Boolean(silent));
  if (silent) pulse.textContent = `nothing heard for ${Math.round((Date.now() - heard) / 1000)} s`;
}, 1000);

// ---- the views

function draw(found) {
  ({venues, venue, book, chain, readers})[found.view](found);
}

function say(text) {
  if (pulse.textContent !== text) pulse.textContent = text;
}

function part(id, make) {
  let found = document.getElementById(id);
  if (!found) {
    found = make();
    found.id = id;
    content.append(found);
  }
  return found;
}

const text = (id, tag, words, more = {}) => {
  const found = part(id, () => el(tag, more));
  if (found.textContent !== words) found.textContent = words;
};

function venues(found) {
  const rows = found.venues;
  const well = rows.filter((row) => row.state === "LIVE").length;
  say(`${well} of ${rows.length} venues LIVE`);
  text("title", "h1", `${found.namespace}: ${well} of ${rows.length} venues LIVE`);
  const troubled = rows.filter((row) => row.trouble);
  const list = part("troubles", () => el("ul", {class: "troubles"}));
  const said = troubled.map((row) => `${row.venue}: ${row.state}: ${row.trouble}`);
  if (list.dataset.said !== said.join("\n")) {
    list.dataset.said = said.join("\n");
    list.replaceChildren(...troubled.map((row, at) =>
      el("li", {class: row.state === "LIVE" ? "warn" : "bad"}, said[at])));
  }
  const columns = [
    ["Venue", (r) => el("a", {href: link("venue", r.venue)}, r.venue)],
    ["State", (r) => verdict(r.state)],
    ["For", (r) => r.since_ns ? length(found.at_ns - r.since_ns) : "-", "right less"],
    ["Live", (r) => `${r.live}/${r.instruments}`, "right"],
    ["Connections", (r) => `${r.connections.live}/${r.connections.total}`, "right less"],
    ["Frames/s", (r) => rate(r.frames), "right"],
    ["Lag p50", (r) => length(r.lag_ns[0]), "right less"],
    ["Lag p99", (r) => length(r.lag_ns[1]), "right"],
    ["Publish p99", (r) => length(r.publish_ns[1]), "right less"],
    ["Gaps", (r) => count(r.gaps), "right"],
    ["Heals", (r) => count(r.heals), "right less"],
  ];
  table(part("venues", () => el("div", {class: "scroll"})), columns, rows, (r) => r.venue,
    rows.length ? "All venues" : "Nothing is in shared memory: feedhandler start");
  const more = part("more", () => el("p", {class: "say"}));
  if (!more.firstChild) more.append(el("a", {href: link("readers")}, "Who reads"));
}

async function history(name) {
  if (charts.has("asked")) return;
  charts.set("asked", true);
  const found = await (await fetch(`/history?venue=${encodeURIComponent(name)}`)).json();
  const place_ = document.getElementById("charts");
  if (!place_) return;
  charts.set("points", found.points);
  charts.set("drawn", drawing(place_, found.points, [
    ["Frames a second", [["frames", 1]]],
    ["Lag from the venue's clock to ours, ms", [["p50", 2], ["p99", 3]]],
    ["Gaps of the last hour", [["gaps", 4]]],
    ["Share of instruments LIVE", [["live", 5]]],
  ]));
}

function venue(found) {
  const its = found.venue;
  say(`${its.venue}: ${its.state}`);
  text("title", "h1", `${its.venue}: ${its.state}`);
  text("trouble", "p", its.trouble || "Nothing is wrong.", {class: "say"});
  text("mirror", "p", its.mirror ? `This is a ${its.mirror}.` : "", {class: "say faint"});
  const day = its.quality;
  const proven = !day ? "" : day.proof ? `each proven by ${day.proof}` : "proven by nothing";
  text("quality", "p", !day ? "" : `Today: books LIVE ${day.live === null ? "-" : percent(day.live)} of the time, `
    + `${count(day.messages)} messages, ${proven}; gaps ${count(day.gaps)}, missing ${count(day.missing)}`
    + (day.unsized ? ` and more in ${day.unsized} gaps of unknown size` : "")
    + (day.suspects ? `; may have been wrong for ${length(day.suspect_ns)} before it was noticed` : "") + ".",
  {class: "say faint"});
  const chains = part("chains", () => el("p", {class: "say"}));
  if (chains.childElementCount !== found.underlyings.length) {
    chains.replaceChildren(...found.underlyings.map((name) =>
      el("a", {href: link("chain", its.venue, name), class: "chain"}, `options on ${name} `)));
  }
  part("charts", () => el("div", {class: "charts"}));
  history(its.venue);
  const drawn = charts.get("drawn");
  const points = charts.get("points");
  if (drawn && its.point && (!points.length || points.at(-1)[0] < its.point[0])) {
    points.push(its.point);
    if (points.length > 720) points.shift();
    drawn(points);
  }
  text("h-connections", "h2", "Connections");
  table(part("connections", () => el("div", {class: "scroll"})), [
    ["Row", (r) => String(r.id), "right"],
    ["State", (r) => verdict(r.state)],
    ["For", (r) => length(found.at_ns - r.since_ns), "right"],
    ["Keys", (r) => String(r.live), "right"],
    ["Refused", (r) => count(r.failed), "right less"],
    ["Frames/s", (r) => rate(r.frames_per_second), "right"],
    ["Bytes/s", (r) => size(r.bytes_per_second), "right less"],
    ["Round trip p99", (r) => length(r.rtt_p99_ns), "right less"],
    ["Behind", (r) => length(r.behind_ns), "right less"],
    ["Begun", (r) => String(r.connects), "right less"],
    ["Why", (r) => [r.reason === "NONE" ? "" : r.reason, r.detail].filter(Boolean).join(": "), "wrap"],
  ], found.connections, (r) => String(r.id), "");
  text("h-instruments", "h2", "Instruments");
  const tools = part("tools", () => {
    const field = el("input", {type: "search", id: "filter", "aria-describedby": "count"});
    field.addEventListener("input", () => { shown.filter = field.value; listen(); });
    return el("div", {class: "tools"}, el("label", {for: "filter"}, "Filter"), field,
      el("span", {id: "count", class: "faint"}));
  });
  tools.querySelector("#count").textContent = found.total > found.instruments.length
    ? `the first ${found.instruments.length} of ${found.total}` : `${found.total}`;
  const by = (name, words, more = "right") => [words, (r) => r[name] || "-", more, name];
  table(part("instruments", () => el("div", {class: "scroll"})), [
    ["Symbol", (r) => el("a", {href: link("book", its.venue, r.symbol)}, r.symbol), "", "symbol"],
    ["State", (r) => verdict(r.state), "", "state"],
    by("bid", "Bid"), by("bid_size", "Size", "right less"), by("ask", "Ask"),
    by("ask_size", "Size", "right less"), by("last", "Last", "right less"),
    by("mark", "Mark", "right less"), by("volume", "Volume", "right less"), by("age", "Age", "right"),
    by("status", "Status", "bad"), by("reason", "Why", ""),
  ], found.instruments, (r) => r.symbol, "", {
    sort: shown.sort, down: shown.down,
    turn: (name) => {
      shown.down = shown.sort === name ? !shown.down : false;
      shown.sort = name;
      listen();
    },
  });
}

function side(found, name, most) {
  const bids = name === "bids";
  const rows = found[name];
  const box = part(name, () => el("div", {class: name}));
  table(box, bids
    ? [["Size", (r) => bar(r[1], most), "right size"], ["Bid", (r) => r[0], "right bid"]]
    : [["Ask", (r) => r[0], "right ask"], ["Size", (r) => bar(r[1], most), "size"]],
  rows.map((row, at) => [...row, at]), (r) => String(r[2]), bids ? "Bids" : "Asks");
  return box;
}

function bar(words, most) {
  const drawn = el("span", {class: "bar"});
  drawn.style.width = `${most ? Math.max(1, 100 * Number(words) / most) : 0}%`;
  return [drawn, words];
}

function book(found) {
  say(`${found.symbol}: ${found.state}`);
  text("title", "h1", `${found.symbol}: ${found.state}`);
  const spread = found.spread ? `spread ${found.spread}, ` : "";
  const age = found.age_ns === null ? "no book yet" : `changed ${length(found.age_ns)} ago`;
  text("facts", "p", `${found.name}: ${spread}${found.bids_total} + ${found.asks_total} levels, ${age}`
    + (found.status === "ACTIVE" ? "" : `; ${found.status}`), {class: "say"});
  text("meaning", "p", found.reason === "NONE" ? "" : `${found.reason}: ${found.meaning}`,
    {class: "say bad"});
  const ladder = part("ladder", () => el("div", {class: "ladder"}));
  const most = Math.max(0, ...[...found.bids, ...found.asks].map((row) => Number(row[1])));
  for (const name of ["bids", "asks"]) {
    const box = side(found, name, most);
    if (box.parentElement !== ladder) ladder.append(box);
  }
  const beside = part("beside", () => el("div", {class: "beside"}));
  const trades = part("trades", () => el("div", {class: "scroll"}));
  const states = part("states", () => el("div", {class: "scroll"}));
  if (trades.parentElement !== beside) beside.append(trades, states);
  table(trades, [
    ["Time", (r) => clock(r.at_ns)],
    ["Taker", (r) => el("span", {class: r.side === "buy" ? "good" : "bad"},
      r.side + (r.liquidation ? ", forced" : ""))],
    ["Price", (r) => r.price, "right"], ["Size", (r) => r.size, "right"],
  ], found.trades.map((row, at) => ({...row, key: `${row.at_ns}-${at}`})), (r) => r.key, "Trades");
  table(states, [
    ["Time", (r) => clock(r.at_ns)], ["State", (r) => verdict(r.state)],
    ["Why", (r) => r.reason === "NONE" ? "" : r.reason],
  ], found.states.map((row, at) => ({...row, key: `${row.at_ns}-${at}`})), (r) => r.key, "States");
}

function chain(found) {
  const at = (ns) => new Date(ns / 1e6).toISOString().slice(0, 16).replace("T", " ");
  say(`${found.underlying}: ${found.strikes.length} strikes`);
  text("title", "h1", `Options on ${found.underlying}`);
  text("facts", "p", `Expiry ${at(found.expiry_ns)} UTC`
    + (found.price === null ? "" : `, underlying ${found.price.toPrecision(7)}`), {class: "say"});
  const tools = part("tools", () => {
    const field = el("select", {id: "expiry"}, ...found.expiries_ns.map((ns) =>
      el("option", {value: String(ns)}, at(ns))));
    field.addEventListener("change", () => {
      location.hash = link("chain", found.venue, found.underlying, field.value);
    });
    return el("div", {class: "tools"}, el("label", {for: "expiry"}, "Expiry"), field);
  });
  tools.querySelector("select").value = String(found.expiry_ns);
  const near = found.price === null ? null : found.strikes.reduce((best, row) =>
    !best || Math.abs(row.strike - found.price) < Math.abs(best.strike - found.price) ? row : best, null);
  const half = (name) => [
    ["OI", (r) => r[name]?.open_interest || "", "right less"],
    ["Delta", (r) => r[name]?.delta || "", "right less"],
    ["IV %", (r) => r[name] && r[name].state !== "LIVE" ? verdict(r[name].state)
      : r[name]?.mark_iv || "", "right"],
    ["Mark", (r) => r[name]?.mark || "", "right less"],
    ["Bid", (r) => r[name]?.bid || "", "right bid"],
    ["Ask", (r) => r[name]?.ask || "", "right ask"],
  ];
  const puts = half("put");
  table(part("chain", () => el("div", {class: "scroll"})), [
    ...half("call"),
    ["Strike", (r) => el("a", {href: link("book", found.venue, (r.call || r.put).symbol)},
      r.shown), "right"],
    puts[4], puts[5], puts[3], puts[2], puts[1], puts[0],
  ], found.strikes, (r) => String(r.strike), "Calls left, puts right", {
    mark: (r) => r === near ? "money" : "",
  });
}

function readers(found) {
  const lost = found.readers.reduce((sum, row) => sum + row.lost, 0);
  say(`${found.readers.length} readers`);
  text("title", "h1", `${found.readers.length} readers, ${lost} records lost`);
  table(part("readers", () => el("div", {class: "scroll"})), [
    ["Name", (r) => r.name], ["Venue", (r) => r.venue], ["Process", (r) => String(r.pid), "right"],
    ["Reader", (r) => el("span", {class: r.alive ? "good" : "faint"}, r.alive ? "alive" : "dead")],
    ["Lag", (r) => r.lag === null ? "-" : count(r.lag), "right"],
    ["Lost", (r) => count(r.lost), "right"], ["Overruns", (r) => count(r.overruns), "right"],
    ["Last read", (r) => `${length(found.at_ns - r.updated_ns)} ago`, "right"],
  ], found.readers, (r) => `${r.venue} ${r.pid} ${r.name}`,
  "Strategies that have registered by a name");
}

addEventListener("hashchange", open);
open();
