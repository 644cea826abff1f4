// Mounts the page's figures.
//
//   <div class="chart" data-figure="load-curve" role="group" aria-label="…"></div>
//   <script type="application/json" id="load-curve">{"data": […], "layout": {…}}</script>
//
// The server says what is shown; this file says how it looks. A trace names its role (meta.role), a shape or
// annotation its kind (name), and the colours come from the style sheet's custom properties, so that they follow the
// theme. Height comes from CSS.
//
// layout.meta.timezone: the figure's x are instants in UTC, and ticks and hover are written in that zone. The axis
// runs in real time: an autumn day is 25 hours long and its two hours from 02:00 stand side by side. Without it, x
// are local dates (whole days and longer) and Plotly labels them itself.
(() => {
  const MINUTE = 60_000;
  const HOUR = 60 * MINUTE;
  const DAY = 24 * HOUR;
  const words = JSON.parse(document.getElementById("words")?.textContent || "{}");
  const language = document.documentElement.lang || "en";
  const mounted = new Map(); // element → { figure, zone, busy, hovered, observer }

  const phone = matchMedia("(max-width: 700px)");
  const coarse = matchMedia("(pointer: coarse)");

  // ---- Language -----------------------------------------------------------------------------------------------

  // Names of days and months as the browser knows them, long and short.
  const named = (count, options, at) =>
    Array.from({ length: count }, (_, i) => new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" }).format(at(i)));
  const sunday = (i) => Date.UTC(2023, 0, 1 + i); // 2023 began on a Sunday
  const first = (i) => Date.UTC(2023, i, 1);
  const [DAYS, WEEKDAYS] = ["long", "short"].map((weekday) => named(7, { weekday }, sunday));
  const [LONG_MONTHS, MONTHS] = ["long", "short"].map((month) => named(12, { month }, first));
  const DECIMAL_MARK = (1.5).toLocaleString(language).at(1);
  const DOT = language === "de" ? "." : ""; // of an ordinal number: 3. März

  // Plotly's own words and dates.
  const locale = {
    dictionary: {
      "Download plot": words.saveAsSvg, "Reset axes": words.wholeRange, "Zoom in": words.zoomIn, "Zoom out": words.zoomOut,
    },
    format: {
      days: DAYS, shortDays: WEEKDAYS, months: LONG_MONTHS, shortMonths: MONTHS,
      year: "%Y", month: `%b %Y`, dayMonth: `%-d${DOT} %b`, dayMonthYear: `%-d${DOT} %b %Y`,
    },
  };

  // Plotly writes a few styles (colour bars, heat maps, <b> in a text) as attributes, which the Content-Security-Policy
  // refuses. The same words through the CSSOM are allowed: they come from a script that the policy has let in.
  SVGElement.prototype.setAttribute = function (name, value) {
    if (name === "style") this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };

  // ---- Colours ------------------------------------------------------------------------------------------------

  // A probe resolves light-dark() and var() to the colour that is in force now, or in one of the themes.
  function palette(scheme = "") {
    const probe = document.createElement("span");
    probe.style.colorScheme = scheme;
    document.body.append(probe);
    const color = (name) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    const roles = ["import", "export", "net", "comparison", "estimated", "problem", "missing"];
    const result = {
      series: Object.fromEntries(roles.map((role) => [role, color(`series-${role}`)])),
      text: color("chart-text"),
      grid: color("chart-grid"),
      axis: color("chart-axis"),
      hover: color("chart-hover"),
      hoverLine: color("chart-hover-line"),
      hoverText: color("chart-hover-text"),
      surface: color("surface"),
      soft: color("text-soft"),
      font: getComputedStyle(document.body).fontFamily,
    };
    probe.remove();
    return result;
  }

  function alpha(color, share) {
    const [r, g, b] = color.match(/[\d.]+/g);
    return `rgba(${r}, ${g}, ${b}, ${share})`;
  }

  function isObject(value) {
    return value !== null && typeof value === "object" && !Array.isArray(value);
  }

  // Defaults below, the figure's own words above.
  function merge(base, over) {
    if (!isObject(base) || !isObject(over)) return over === undefined ? base : over;
    const result = { ...base };
    for (const key of Object.keys(over)) result[key] = merge(base[key], over[key]);
    return result;
  }

  // ---- Traces -------------------------------------------------------------------------------------------------

  function dressed(trace, colors, length) {
    const meta = isObject(trace.meta) ? trace.meta : {};
    if (trace.type === "heatmap") {
      const bar = {
        outlinewidth: 0, thickness: 8, ticklen: 4, tickcolor: colors.axis, xpad: 8, ypad: 0,
        tickfont: { color: colors.text, family: colors.font, size: 12 },
        title: { side: "right", font: { color: colors.text, family: colors.font, size: 12 } },
      };
      return merge({ colorscale: "Cividis", hoverongaps: false, zsmooth: false, colorbar: bar }, trace);
    }
    const estimated = meta.role === "estimated" || meta.estimated === true;
    const role = meta.role === "estimated" ? meta.of || "estimated" : meta.role;
    const color = colors.series[role];
    if (!color) return trace;
    if (trace.type === "bar" || trace.type === "histogram") {
      const marker = estimated
        ? {
            color: alpha(color, 0.15),
            line: { color, width: 1 },
            pattern: { shape: "/", fgcolor: color, bgcolor: alpha(color, 0.1), size: 5, solidity: 0.3 },
          }
        : { color, line: { width: 0 } };
      return merge({ marker }, trace);
    }
    // A reading is an interval: the pointer anywhere within it finds it, and none of another trace's beyond its end.
    const own = span(meta.resolution) || length;
    const period = own && trace.line?.shape === "hv" && trace.x?.length
      ? { xperiod: own, xperiod0: trace.x[0], xperiodalignment: "start" }
      : {};
    const line = { color: estimated ? alpha(color, 0.6) : color, width: 1.5 };
    if (estimated) line.dash = "3px,2px";
    return merge(
      {
        mode: "lines",
        line,
        marker: { color, size: 6, line: { color: colors.surface, width: 1 } },
        fillcolor: alpha(color, estimated ? 0.06 : 0.12),
        connectgaps: false,
        ...period,
      },
      trace,
    );
  }

  // ---- Layout -------------------------------------------------------------------------------------------------

  function axis(colors, own, letter) {
    const base = {
      automargin: true,
      color: colors.text,
      linecolor: colors.axis,
      tickcolor: colors.axis,
      gridcolor: colors.grid,
      zerolinecolor: colors.axis,
      zerolinewidth: 1,
      tickfont: { color: colors.text, size: 12 },
      title: { font: { color: colors.text, size: 12 }, standoff: 8 },
    };
    if (letter === "x") {
      // Without a distance of its own: Plotly measures it from tick labels that may not be there when a chart grows.
      delete base.title.standoff;
      Object.assign(base, {
        showgrid: false, zeroline: false, ticks: "outside", ticklen: 4, showline: true, nticks: phone.matches ? 4 : 8,
        showspikes: true, spikemode: "across", spikethickness: 1, spikedash: "solid", spikesnap: "hovered data",
        spikecolor: colors.axis,
      });
    } else {
      Object.assign(base, { showline: false, ticks: "", ticklabelstandoff: 4, fixedrange: true, nticks: 6, tickformat: ",~f", rangemode: "tozero" });
    }
    return merge(base, own || {});
  }

  // A note near an edge grows away from it, or it would be cut off there.
  function anchored(x, range) {
    if (!range) return "center";
    const [start, at, end] = [range[0], x, range[1]].map(parse);
    const share = (at - start) / (end - start);
    return share < 0.1 ? "left" : share > 0.9 ? "right" : "center";
  }

  function laidOut(figure, colors) {
    const own = structuredClone(figure.layout || {});
    delete own.template; // Plotly for Python sends its own look along
    delete own.width;
    delete own.height;
    const layout = merge(
      {
        autosize: true,
        paper_bgcolor: colors.surface, // opaque: the hover line's edge and a saved picture are drawn on it
        plot_bgcolor: "rgba(0, 0, 0, 0)",
        font: { family: colors.font, size: 12, color: colors.text },
        separators: `${DECIMAL_MARK}\u202f`, // 1 234.5
        margin: { l: 8, r: 8, t: 28, b: 0, pad: 0 },
        bargap: 0.24,
        showlegend: false, // the legend is in the page, where it is there before the figure is
        hovermode: "x unified",
        dragmode: coarse.matches ? false : "zoom", // a thumb on the chart scrolls the page
        hoverlabel: {
          bgcolor: colors.hover,
          bordercolor: colors.hoverLine,
          font: { family: colors.font, size: 13, color: colors.hoverText },
          namelength: -1,
        },
        modebar: { bgcolor: "rgba(0, 0, 0, 0)", color: colors.text, activecolor: colors.hoverText },
        selections: [],
        uirevision: "kept",
      },
      own,
    );
    for (const key of new Set(["xaxis", "yaxis", ...Object.keys(own)])) {
      const match = /^([xy])axis\d*$/.exec(key);
      if (match) layout[key] = axis(colors, own[key], match[1]);
    }
    layout.shapes = (own.shapes || []).map((shape) => {
      if (shape.name === "missing") {
        const band = { type: "rect", yref: "paper", y0: 0, y1: 1, layer: "below", line: { width: 0 } };
        return merge({ ...band, fillcolor: colors.series.missing }, shape);
      }
      if (shape.name === "dst") {
        const mark = { type: "line", yref: "paper", y0: 0, y1: 1, layer: "below" };
        return merge({ ...mark, line: { color: colors.axis, width: 1, dash: "dot" } }, shape);
      }
      if (shape.name === "problem") return merge({ line: { color: colors.series.problem, width: 1 } }, shape);
      return merge({ line: { color: colors.axis, width: 1 } }, shape);
    });
    layout.annotations = (own.annotations || []).map((note) => {
      const place = note.name
        ? { yref: "paper", y: 1, yanchor: "bottom", xanchor: anchored(note.x, own.xaxis?.range), showarrow: false }
        : { showarrow: false };
      return merge({ ...place, font: { color: colors.soft, size: 12 } }, note);
    });
    // The y axis' title lies flat above it: nobody should have to tilt the head to learn the unit.
    const title = typeof own.yaxis?.title === "string" ? own.yaxis.title : own.yaxis?.title?.text;
    if (title) {
      layout.yaxis.title = { text: "" };
      layout.title = {
        text: title, xref: "container", x: 0, xanchor: "left", yref: "container", y: 1, yanchor: "top",
        pad: { l: 8, t: 2 }, automargin: false, font: { color: colors.text, size: 12 },
      };
    }
    // What a heat map does not cover is missing, not zero.
    if (figure.data?.some((trace) => trace.type === "heatmap")) {
      layout.plot_bgcolor = colors.series.missing;
      layout.yaxis.showgrid = false;
      layout.xaxis.showspikes = false;
    }
    return layout;
  }

  // ---- Time in a zone -----------------------------------------------------------------------------------------

  class Zone {
    constructor(name) {
      this.format = new Intl.DateTimeFormat("en-GB", { timeZone: name, timeZoneName: "longOffset", hour: "numeric" });
      this.known = new Map();
    }

    // Milliseconds to add to UTC. Since 1972 zones have changed at whole quarter-hours of UTC: one question per quarter is enough.
    offset(instant) {
      const quarter = Math.floor(instant / (15 * MINUTE));
      let offset = this.known.get(quarter);
      if (offset === undefined) {
        const name = this.format.formatToParts(instant).find((part) => part.type === "timeZoneName").value;
        const match = /([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(name);
        offset = match ? Number(`${match[1]}1`) * (match[2] * HOUR + match[3] * MINUTE + (match[4] || 0) * 1000) : 0;
        this.known.set(quarter, offset);
      }
      return offset;
    }

    // A local date and time as if it were UTC: its getUTC… are the clock on the wall.
    wall(instant) {
      return new Date(instant + this.offset(instant));
    }

    // The instant of a wall time; one that does not exist comes out after the gap, a doubled one as the first.
    instant(wall) {
      const early = wall - this.offset(wall - DAY);
      if (this.wall(early).getTime() === wall) return early;
      const late = wall - this.offset(wall + DAY);
      return this.wall(late).getTime() === wall ? late : early;
    }

    iso(instant) {
      return this.wall(instant).toISOString().slice(0, 19) + this.suffix(instant).replace("\u2212", "-");
    }

    suffix(instant) {
      const minutes = Math.round(this.offset(instant) / MINUTE);
      const two = (number) => String(number).padStart(2, "0");
      const size = Math.abs(minutes);
      return `${minutes < 0 ? "\u2212" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
    }
  }

  const clock = (wall) => wall.toISOString().slice(11, 16);
  const day = (wall) => `${WEEKDAYS[wall.getUTCDay()]} ${wall.getUTCDate()}${DOT} ${MONTHS[wall.getUTCMonth()]}`;
  const parse = (x) => (typeof x === "number" ? x : Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(x) ? x : `${x.replace(" ", "T")}Z`));

  const STEPS = [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];

  // Ticks where the local clock is round, written as that clock.
  function ticks(zone, start, end, width) {
    const room = Math.max(2, Math.floor(width / (phone.matches ? 72 : 96)));
    const step = STEPS.find((size) => (end - start) / size <= room);
    const values = [];
    const texts = [];
    const put = (wall, text) => {
      const value = zone.instant(wall);
      // None at the right edge, where its label would have no room.
      if (value < start || value > end - (end - start) / 50 || value <= values.at(-1)) return;
      values.push(value);
      texts.push(text(zone.wall(value), wall));
    };
    const first = zone.wall(start);
    if (step === undefined) {
      const months = [1, 3, 6, 12, 24, 60].find((size) => (end - start) / (size * 31 * DAY) <= room) || 120;
      for (let month = 0, wall; ; month += months) {
        wall = Date.UTC(first.getUTCFullYear(), month);
        if (zone.instant(wall) > end) break;
        put(wall, (at) => `${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`);
      }
      return { values, texts };
    }
    const monday = 4 * DAY; // 1970-01-05, so that weeks begin on Monday
    const grid = step >= 7 * DAY ? monday : 0;
    let dated = false;
    for (let wall = Math.floor((first - grid) / step) * step + grid; wall <= first.getTime() + (end - start) + DAY; wall += step) {
      put(wall, (at, wanted) => {
        if (step >= DAY) return day(at);
        const dayBegins = wanted % DAY === 0; // where it has no midnight, at its first moment
        const text = dayBegins || !dated ? `${clock(at)}<br>${day(at)}` : clock(at);
        dated = true;
        return text;
      });
    }
    return { values, texts };
  }

  // ISO 8601 resolutions as milliseconds, for those that are a stretch of real time.
  function span(resolution) {
    const match = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$/.exec(resolution || "");
    return match ? (match[1] || 0) * HOUR + (match[2] || 0) * MINUTE + (match[3] || 0) * 1000 : 0;
  }

  function hoverTitle(state, instant) {
    const { zone, length } = state;
    const wall = zone.wall(instant);
    const until = length ? `\u2013${clock(zone.wall(instant + length))}` : "";
    return `${day(wall)} ${wall.getUTCFullYear()}, ${clock(wall)}${until} ${zone.suffix(instant)}`;
  }

  // ---- Mounting -----------------------------------------------------------------------------------------------

  function read(element) {
    const source = document.getElementById(element.dataset.figure);
    return source ? JSON.parse(source.textContent) : null;
  }

  function say(element, words) {
    const note = document.createElement("p");
    note.className = "chart__note";
    note.textContent = words;
    element.replaceChildren(note);
    element.dataset.ready = "";
  }

  const config = (element) => ({
    displaylogo: false,
    displayModeBar: coarse.matches ? false : "hover",
    responsive: true,
    doubleClick: "reset",
    showTips: false,
    showSendToCloud: false, // "Share chart…" would upload the readings to the library's maker
    plotlyServerURL: "",
    locale: language,
    locales: { [language]: locale },
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoom2d", "pan2d", "toggleSpikelines"],
    // As SVG: for a PNG Plotly goes by way of a blob: image, which the Content-Security-Policy refuses. picture() does not.
    toImageButtonOptions: { format: "svg", filename: element.dataset.filename || element.dataset.figure },
  });

  function dress(state, colors = palette()) {
    const layout = laidOut(state.figure, colors);
    if (state.zone) {
      // The title that Plotly writes is in UTC and says so; relabel() puts the local one in its place.
      layout.xaxis = merge({ type: "date", hoverformat: "%a %-d %b %Y, starting at %H:%M +00:00" }, layout.xaxis);
    }
    return { data: (state.figure.data || []).map((trace) => dressed(trace, colors, state.length)), layout };
  }

  function relabel(element, state) {
    const title = element.querySelector(".hoverlayer .legendtitletext");
    if (!title || state.hovered === undefined) return;
    const text = hoverTitle(state, state.hovered);
    if (title.textContent !== text) title.textContent = text;
  }

  async function retick(element, state) {
    const full = element._fullLayout;
    if (!state.zone || !full || state.busy) return;
    const [start, end] = full.xaxis.range.map(parse);
    const { values, texts } = ticks(state.zone, start, end, full.xaxis._length);
    state.busy = true;
    await Plotly.relayout(element, {
      "xaxis.tickmode": "array",
      "xaxis.tickvals": values,
      "xaxis.ticktext": texts,
    });
    state.busy = false;
  }

  function zoomed(element, state, change) {
    if (state.busy) return;
    const from = change["xaxis.range[0]"] ?? change["xaxis.range"]?.[0];
    if (from === undefined && change["xaxis.autorange"] !== true) return;
    const reset = change["xaxis.autorange"] === true || from === state.figure.layout?.xaxis?.range?.[0];
    announce(element, state, reset);
  }

  // chart:zoom: the stretch that was drawn; times with their offset, or local dates where the axis has dates.
  function announce(element, state, reset) {
    const [start, end] = element._fullLayout.xaxis.range;
    const local = (x) => (state.zone ? state.zone.iso(parse(x)) : x);
    element.dispatchEvent(
      new CustomEvent("chart:zoom", {
        bubbles: true,
        detail: { figure: element.dataset.figure, start: local(start), end: local(end), reset },
      }),
    );
  }

  // ---- Pictures -----------------------------------------------------------------------------------------------

  // <button data-save="png"> (or svg) saves the chart of its card. The picture bears the card's words and the name that
  // [data-subject] around it gives; the file is called after them and [data-range].
  async function save(button) {
    const card = button.closest(".card");
    const element = card?.querySelector(".chart[data-ready]");
    if (!element || !mounted.has(element) || button.disabled) return;
    const form = button.dataset.save;
    const subject = button.closest("[data-subject]")?.dataset.subject;
    const range = button.closest("[data-range]")?.dataset.range;
    const title = card.querySelector("h2").textContent.trim();
    const name = [subject, title, range].filter(Boolean).join(" ");
    button.disabled = true;
    try {
      const blob = await picture(element, card, [subject, title].filter(Boolean).join(" · "), form);
      const url = URL.createObjectURL(blob);
      const link = document.createElement("a");
      link.href = url;
      link.download = `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 120)}.${form}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } finally {
      button.disabled = false;
      // A disabled button loses the focus that a key press came from.
      if (document.activeElement === document.body) button.focus();
    }
  }

  const LEAST_WIDTH = 960; // a picture from a phone is to be read on paper, too
  const LINE = 20;

  // Light, whatever the screen shows: it is for paper.
  async function picture(element, card, title, form) {
    const state = mounted.get(element);
    const colors = { ...palette("light"), font: "sans-serif" }; // a picture brings no font along
    const { data, layout } = dress(state, colors);
    for (const [key, own] of Object.entries(element.layout)) {
      if (!/^[xy]axis\d*$/.test(key)) continue;
      for (const part of ["range", "autorange", "tickmode", "tickvals", "ticktext"]) {
        if (own[part] !== undefined) layout[key][part] = structuredClone(own[part]);
      }
    }
    const words = [card.querySelector(".card__subtitle")?.textContent.trim(), layout.title?.text];
    const lines = [`<b>${escaped(title)}</b>`, small(words.filter(Boolean).map(escaped).join(" · ")), small(keys(card, colors))];
    const head = LINE * lines.filter(Boolean).length;
    layout.title = {
      text: lines.filter(Boolean).join("<br>"), x: 0, xref: "container", xanchor: "left", y: 1, yref: "container", yanchor: "top",
      automargin: false, pad: { l: 8, t: 20 }, font: { size: 15, color: colors.hoverText },
    };
    layout.margin = { ...layout.margin, t: layout.margin.t + head };
    const { width, height } = element.getBoundingClientRect();
    const size = { format: "svg", width: Math.max(Math.round(width), LEAST_WIDTH), height: Math.round(height) + head };
    const address = await Plotly.toImage({ data, layout, config: { plotlyServerURL: "" } }, size);
    if (form === "svg") return new Blob([decodeURIComponent(address.slice(address.indexOf(",") + 1))], { type: "image/svg+xml" });
    // Plotly's own PNG goes by way of a blob: image, which the policy refuses; it lets data: images in, so the SVG is
    // drawn as one. Twice the size, for paper and sharp screens.
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * size.width, 2 * size.height];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }

  // The legend as it stands in the page, for the picture.
  function keys(card, colors) {
    const items = [...card.querySelectorAll(".legend__item")].map((item) => {
      const role = /role-(\w+)/.exec(item.className)[1];
      const mark = role === "estimated" ? "▨" : "■";
      const color = role === "missing" ? colors.axis : colors.series[role];
      return `<span style="color:${color}">${mark}</span> ${escaped(item.textContent.trim())}`;
    });
    return items.join("\u2003");
  }

  const small = (text) => text && `<span style="font-size:12px;font-weight:400">${text}</span>`;

  // Plotly reads a few tags in titles.
  const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-save]");
    if (button) save(button);
  });

  async function mount(element) {
    if (mounted.has(element)) return;
    let figure = null;
    try {
      figure = read(element);
    } catch (error) {
      console.error(`Figure ${element.dataset.figure} is not JSON`, error);
    }
    if (!window.Plotly || !figure) {
      say(element, words.notDrawn);
      return;
    }
    const meta = figure.layout?.meta || {};
    const zone = meta.timezone ? new Zone(meta.timezone) : null;
    const state = { figure, zone, length: span(meta.resolution), busy: false, hovered: undefined, observer: null };
    mounted.set(element, state);
    // Plotly measures text when it draws: wait for the font, but never for long.
    await Promise.race([document.fonts.load("12px 'Inter Variable'"), new Promise((done) => setTimeout(done, 500))]);
    if (!element.isConnected || mounted.get(element) !== state) return;
    const { data, layout } = dress(state);
    await Plotly.newPlot(element, data, layout, config(element));
    element.dataset.ready = "";
    element.on("plotly_relayout", (change) => {
      zoomed(element, state, change);
      retick(element, state);
    });
    // A chart that shows a stretch already has nothing to go back to by itself.
    element.on("plotly_doubleclick", () => announce(element, state, true));
    if (zone) {
      await retick(element, state);
      element.on("plotly_hover", (event) => {
        state.hovered = parse(event.points[0].x);
        relabel(element, state);
      });
      // Plotly redraws the label as the pointer moves within one interval, without another event.
      state.observer = new MutationObserver(() => relabel(element, state));
      state.observer.observe(element.querySelector(".hoverlayer"), { childList: true, subtree: true });
    }
  }

  function unmount(element) {
    const state = mounted.get(element);
    if (!state) return;
    state.observer?.disconnect();
    mounted.delete(element);
    Plotly.purge(element);
    delete element.dataset.ready;
  }

  const within = (root) => [
    ...(root.matches?.(".chart[data-figure]") ? [root] : []),
    ...root.querySelectorAll(".chart[data-figure]"),
  ];

  // A page that is hidden has no frames to wait for.
  function shown() {
    return new Promise((done) => (document.hidden ? setTimeout(done) : requestAnimationFrame(() => setTimeout(done))));
  }

  // One after another: the first is seen before the next one is drawn.
  async function mountAll(root = document) {
    for (const element of within(root)) {
      if (element.isConnected) await mount(element).catch(console.error);
      await shown();
    }
  }

  async function redress() {
    for (const [element, state] of mounted) {
      if (!element.isConnected) {
        unmount(element);
        continue;
      }
      if (!("ready" in element.dataset)) continue;
      const { data, layout } = dress(state); // uirevision keeps the reader's zoom
      await Plotly.react(element, data, layout, config(element));
      await retick(element, state);
    }
  }

  // ---- When ---------------------------------------------------------------------------------------------------

  document.addEventListener("htmx:beforeCleanupElement", (event) => {
    if (event.target instanceof Element) for (const element of within(event.target)) unmount(element);
  });
  document.addEventListener("htmx:afterSettle", (event) => mountAll(event.detail.target?.isConnected ? event.detail.target : document));
  document.addEventListener("htmx:historyRestore", () => mountAll());

  new MutationObserver(redress).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redress);
  phone.addEventListener("change", redress);

  // Paper is light, whatever the screen shows.
  let screenTheme;
  addEventListener("beforeprint", () => {
    screenTheme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    if (screenTheme) document.documentElement.dataset.theme = screenTheme;
    else delete document.documentElement.dataset.theme;
  });

  mountAll();
})();
