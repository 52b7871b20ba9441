/* The page's behaviour: theme, one time for all charts, switches, what a mark says. Text goes into the page by textContent only:
   names in the data were written by strangers. */
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;
  const TIMED = ["lanes", "rest", "asked", "syncs"].filter((name) => byId(name));
  const ALL = Object.keys(data.figures).filter((name) => byId(name));
  const hidden = new Set();
  const state = { device: "", folder: null, chosen: null };
  const config = { displayModeBar: false, doubleClick: "reset", showTips: false };
  const coarse = matchMedia("(pointer: coarse)").matches;

  // ---- colours ----
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  /** A copy with each light colour replaced by its dark twin; packed arrays are passed on as they are. */
  const painted = (value) => {
    if (typeof value === "string") return isDark() ? data.dark[value] || value : value;
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(painted);
    if (value && typeof value === "object" && !value.bdata && !ArrayBuffer.isView(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, painted(inner)]));
    }
    return value;
  };

  // ---- marks ----
  const cell = (table, name, row) => {
    const column = data.marks[table].columns[name];
    if (!column) return null;
    if (Array.isArray(column)) return column[row];
    const code = column.codes[row];
    return code < 0 ? null : column.values[code];
  };
  const number = (value, digits) => value.toLocaleString("en-US", { maximumFractionDigits: digits });
  const time = (ms) => new Date(ms).toISOString().replace("T", " ").replace("Z", " UTC");
  const span = (s) => {
    if (s < 999.5) return `${number(s, 1)} s`;
    return `${number(s, 0)} s (${number(s / 60, 1)} min)`;
  };
  const size = (bytes) => {
    if (bytes < 1000) return `${bytes} B`;
    const power = Math.min(3, Math.floor(Math.log10(bytes) / 3));
    const scaled = bytes / 1000 ** power;
    return `${number(scaled, scaled < 9.95 ? 1 : 0)} ${["", "KB", "MB", "GB"][power]}`;
  };
  const written = {
    text: String, time, s: span, short: (s) => (s < 0.9995 ? `${number(s * 1000, 0)} ms` : span(s)), bytes: size, int: (value) => number(value, 0),
    frames: (first, table, row) => {
      const last = cell(table, "last", row);
      return last === null || last === first ? String(first) : `${first}-${last}`;
    },
  };
  const wiresharkFilter = (table, row) => {
    const parts = [];
    const connection = cell(table, "filter", row);
    const first = cell(table, "frame", row);
    if (connection) parts.push(`(${connection})`);
    if (first !== null) parts.push(`frame.number >= ${first} && frame.number <= ${cell(table, "last", row) ?? first}`);
    return parts.join(" && ");
  };
  /** What a mark says: {title, lines: [label, text], filter, evidence}. */
  const described = (table, row) => ({
    title: cell(table, "title", row),
    lines: data.marks[table].fields.flatMap(([label, name, kind]) => {
      const value = cell(table, name, row);
      return value === null || value === undefined || value === "" ? [] : [[label, written[kind](value, table, row)]];
    }),
    filter: wiresharkFilter(table, row),
    evidence: cell(table, "evidence", row) || [],
  });
  const element = (name, text, className) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  // ---- pointing at a mark ----
  const tip = byId("tip");
  const showTip = (event, title, lines, filter) => {
    tip.replaceChildren(element("b", title), ...lines.map(([label, text]) => element("div", label ? `${label}: ${text}` : text)));
    if (filter) tip.append(element("code", filter, "filter"));
    tip.hidden = false;
    const { clientX: x, clientY: y } = event;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(6, x + 16 + box.width > innerWidth ? x - box.width - 16 : x + 16)}px`;
    tip.style.top = `${Math.max(6, Math.min(y + 14, innerHeight - box.height - 8))}px`;
  };
  const point = (event) => {
    const mark = event.points[0];
    const meta = mark.data.meta || {};
    if (coarse || !event.event) return;
    if (meta.table) {
      const text = described(meta.table, mark.customdata);
      showTip(event.event, text.title, text.lines, text.filter);
    } else if (meta.bin_s) {
      const low = mark.x - meta.bin_s / 2;
      showTip(event.event, `${number(mark.customdata, 0)} waits ${data.words[meta.outcome]}`, [["idle", `${number(low, 1)} to ${number(low + meta.bin_s, 1)} s`]]);
    } else if (meta.unit) {
      showTip(event.event, `${number(mark.y, 0)} ${meta.unit}`, [["", data.words[meta.outcome]], ["around", time(mark.data.bins[mark.pointNumber])]]);
    }
  };

  // ---- choosing a mark ----
  const panel = byId("panel");
  const choose = (table, row) => {
    const text = described(table, row);
    state.chosen = { table, row };
    byId("panel-title").textContent = text.title;
    byId("panel-fields").replaceChildren(...text.lines.flatMap(([label, value]) => [element("dt", label), element("dd", value)]));
    byId("panel-evidence").replaceChildren(...text.evidence.map((line) => element("li", line)));
    byId("panel-filter").textContent = text.filter || "none";
    byId("panel-copy").disabled = !text.filter;
    byId("panel-copy").textContent = "Copy filter";
    panel.hidden = false;
    tip.hidden = true;
  };
  const close = () => {
    panel.hidden = true;
    state.chosen = null;
  };
  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before === "Copied" ? "Copy" : before; }, 1200);
  };
  byId("close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  byId("panel-copy").addEventListener("click", (event) => copy(byId("panel-filter").textContent, event.currentTarget));
  const zoomTo = (table, row) => {
    const start = cell(table, "start_ms", row) ?? cell(table, "time_ms", row);
    if (start === null) return;
    const end = cell(table, "end_ms", row) ?? start;
    const air = Math.max((end - start) * 0.6, 20000);
    setRange([start - air, end + air]);
  };
  byId("panel-zoom").addEventListener("click", () => state.chosen && zoomTo(state.chosen.table, state.chosen.row));

  // ---- one time for all charts ----
  let range = data.span.slice();
  let following = false;
  const setRange = async (wanted, except) => {
    const shown = [Math.max(wanted[0], data.span[0]), Math.min(wanted[1], data.span[1])];
    range = shown[1] - shown[0] < 10 ? range : shown;
    following = true;
    tip.hidden = true;
    try {
      await Promise.all(TIMED.filter((name) => name !== except).map((name) => Plotly.relayout(byId(name), { "xaxis.range": range.slice() })));
    } finally {
      following = false;
    }
  };
  const asMs = (value) => (typeof value === "number" ? value : Date.parse(`${String(value).replace(" ", "T")}${/[Zz]$/.test(value) ? "" : "Z"}`));
  const followed = (name) => (change) => {
    if (following) return;
    const low = change["xaxis.range[0]"] ?? (change["xaxis.range"] || [])[0];
    const high = change["xaxis.range[1]"] ?? (change["xaxis.range"] || [])[1];
    if (low !== undefined && high !== undefined) setRange([asMs(low), asMs(high)], name);
  };
  const stretched = (factor) => {
    const middle = (range[0] + range[1]) / 2;
    const half = ((range[1] - range[0]) / 2) * factor;
    setRange([middle - half, middle + half]);
  };
  const moved = (share) => {
    const width = range[1] - range[0];
    const low = Math.max(data.span[0], Math.min(data.span[1] - width, range[0] + share * width));
    setRange([low, low + width]);
  };
  const reset = () => {
    setRange(data.span);
    if (byId("idle")) Plotly.relayout(byId("idle"), { "xaxis.range": data.figures.idle.layout.xaxis.range.slice() });
    chooseFolder(null);
  };
  const press = (id, action) => byId(id) && byId(id).addEventListener("click", action);
  press("closer", () => stretched(0.5));
  press("wider", () => stretched(2));
  press("earlier", () => moved(-0.5));
  press("later", () => moved(0.5));
  press("reset", reset);

  // ---- what is shown ----
  const visible = (trace) => {
    const meta = trace.meta || {};
    if (hidden.has(meta.outcome) || hidden.has(meta.mark)) return false;
    return meta.lane === undefined || state.device === "" || meta.lane === Number(state.device);
  };
  const applyVisible = (name) => {
    const plot = byId(name);
    const indices = plot.data.map((_, index) => index);
    if (indices.length) Plotly.restyle(plot, { visible: indices.map((index) => visible(plot.data[index])) }, indices);
  };
  document.querySelectorAll(".switch").forEach((button) => button.addEventListener("click", () => {
    const key = button.dataset.key;
    if (!hidden.delete(key)) hidden.add(key);
    button.setAttribute("aria-pressed", String(!hidden.has(key)));
    ALL.forEach(applyVisible);
  }));

  /** The held marks of one device only; the step lines are switched by `visible`. */
  const chooseDevice = (lane) => {
    state.device = lane;
    const plot = byId("asked");
    const waits = data.marks.waits;
    const traces = plot.data.map((trace) => {
      if (!trace.meta || trace.meta.table !== "waits") return { ...trace, visible: visible(trace) };
      const rows = [];
      for (let row = 0; row < waits.count; row += 1) {
        const held = waits.columns.held_s[row];
        if (held === null || cell("waits", "outcome", row) !== trace.meta.outcome) continue;
        if (lane === "" || waits.columns.lane[row] === Number(lane)) rows.push(row);
      }
      const column = (name) => rows.map((row) => waits.columns[name][row]);
      return { ...trace, x: column("start_ms"), y: column("held_s"), customdata: rows };
    });
    return Plotly.react(plot, traces, plot.layout, config); // a restyle of x would forget that the axis is one of time
  };
  if (byId("device") && byId("asked")) byId("device").addEventListener("change", (event) => chooseDevice(event.target.value));

  /** The Syncs of one folder stand out; null ends that. */
  const chooseFolder = (row) => {
    state.folder = row;
    if (!byId("syncs")) return;
    const name = row === null ? null : cell("folders", "title", row);
    const device = row === null ? null : cell("folders", "device", row);
    const chosen = [];
    for (let sync = 0; name !== null && sync < data.marks.syncs.count; sync += 1) {
      if (cell("syncs", "device", sync) === device && cell("syncs", "folder", sync).split(", ").includes(name)) chosen.push(sync);
    }
    Plotly.restyle(byId("syncs"), { selectedpoints: [name === null ? null : chosen], "unselected.marker.opacity": 0.15 }, [0]);
  };

  // ---- drawing ----
  const ticks = (plot) => Math.max(3, Math.min(8, Math.floor(plot.clientWidth / 90)));
  const draw = async (name, first) => {
    const plot = byId(name);
    const figure = painted(data.figures[name]);
    const layout = figure.layout;
    if (TIMED.includes(name)) layout.xaxis.nticks = ticks(plot);
    layout.width = plot.clientWidth;
    if (first) {
      layout.dragmode = coarse ? false : "zoom";
      await Plotly.newPlot(plot, figure.data, layout, config);
      plot.data.forEach((trace) => { if ((trace.meta || {}).unit) trace.bins = Array.from(trace.x); });
      plot.on("plotly_hover", point);
      plot.on("plotly_unhover", () => { tip.hidden = true; });
      plot.on("plotly_click", (event) => {
        const mark = event.points[0];
        const table = (mark.data.meta || {}).table;
        if (!table) return;
        choose(table, mark.customdata);
        if (table === "folders") chooseFolder(mark.customdata);
      });
      if (TIMED.includes(name)) plot.on("plotly_relayout", followed(name));
    } else {
      const fresh = { ...layout, dragmode: plot.layout.dragmode, xaxis: { ...layout.xaxis, range: plot.layout.xaxis.range } };
      if (!plot.layout.xaxis.range) delete fresh.xaxis.range;
      plot.data.forEach((trace, index) => {
        const target = figure.data[index];
        Object.assign(target, { x: trace.x, y: trace.y, customdata: trace.customdata, visible: trace.visible, bins: trace.bins });
        if (trace.selectedpoints) Object.assign(target, { selectedpoints: trace.selectedpoints, unselected: trace.unselected });
      });
      await Plotly.react(plot, figure.data, fresh, config);
    }
  };
  const fit = () => ALL.forEach((name) => {
    const plot = byId(name);
    const change = { width: plot.clientWidth };
    if (TIMED.includes(name)) change["xaxis.nticks"] = ticks(plot);
    if (plot.clientWidth && plot.clientWidth !== plot.layout.width) Plotly.relayout(plot, change);
  });
  let resized = 0;
  addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(fit, 120);
  });
  const repaint = () => ALL.forEach((name) => draw(name, false));
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    repaint();
  });
  system.addEventListener("change", () => { if (!root.dataset.theme) repaint(); });

  document.querySelectorAll(".copy").forEach((button) => button.addEventListener("click", () => copy(button.previousElementSibling.textContent, button)));
  document.querySelectorAll("[data-wait]").forEach((button) => button.addEventListener("click", () => {
    const row = Number(button.dataset.wait);
    choose("waits", row);
    zoomTo("waits", row);
  }));

  if (/theme=(dark|light)/.test(location.hash)) root.dataset.theme = RegExp.$1;
  (async () => {
    for (const name of ALL) await draw(name, true); // one after the other: the first is on screen while the next is drawn
    if (data.lanes > 4 && byId("device") && byId("asked")) {
      byId("device").value = "0";
      await chooseDevice("0");
    }
    root.dataset.ready = "yes";
  })();
})();
