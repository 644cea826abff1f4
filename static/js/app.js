// What the pages cannot do in HTML and CSS alone. Controls that load something are links and forms with hx-*
// attributes; menus are popovers; rows are links. Everything here is delegated, so it holds after an HTMX swap.
(() => {
  const KEY = "lastgang-theme";
  const words = JSON.parse(document.getElementById("words")?.textContent || "{}");

  function currentTheme() {
    return document.documentElement.dataset.theme || "system";
  }

  function showTheme() {
    for (const button of document.querySelectorAll("[data-set-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === currentTheme()));
    }
  }

  function setTheme(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      if (theme === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // The choice then holds for this page only.
    }
    showTheme();
  }

  // <button data-copy="#id"> copies that element's text; <button data-copy-text="…"> copies the words themselves.
  async function copy(button) {
    const source = button.dataset.copy && document.querySelector(button.dataset.copy);
    const text = source ? (source.value ?? source.textContent).trim() : button.dataset.copyText || "";
    const label = button.querySelector("[data-copy-label]") || button;
    const before = label.textContent;
    if ("copying" in button.dataset) return;
    button.dataset.copying = "";
    try {
      await navigator.clipboard.writeText(text);
      label.textContent = words.copied;
    } catch {
      // No clipboard without HTTPS: select the text, so that a key press copies it.
      if (source) getSelection().selectAllChildren(source);
      label.textContent = words.selected;
    }
    setTimeout(() => {
      label.textContent = before;
      delete button.dataset.copying;
    }, 1600);
  }

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const theme = event.target.closest("[data-set-theme]");
    if (theme) return setTheme(theme.dataset.setTheme);
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (button) return void copy(button);
    const dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) dismiss.closest(".alert")?.remove();
  });

  // Another tab has changed the theme.
  addEventListener("storage", (event) => {
    if (event.key === KEY) setTheme(event.newValue || "system");
  });

  // HTMX leaves the page as it is when an answer fails: say so, in the reader's terms.
  function failed(words) {
    const place = document.getElementById("request-error");
    if (!place) return;
    place.querySelector("[data-words]").textContent = words;
    place.hidden = false;
  }
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (status === 401 || status === 403) failed(words.signedOut);
    else if (status === 404) failed(words.gone);
    else failed(words.serverError);
  });
  document.addEventListener("htmx:sendError", () => failed(words.offline));
  document.addEventListener("htmx:timeout", () => failed(words.tooSlow));
  document.addEventListener("htmx:beforeRequest", () => {
    const place = document.getElementById("request-error");
    if (place) place.hidden = true;
  });

  // A stretch drawn on a chart within [data-zoomable] is asked for, and the chart comes back with finer readings. The
  // form in there holds all else that the address says.
  document.addEventListener("chart:zoom", (event) => {
    const form = event.target.closest("[data-zoomable]")?.querySelector("[data-zoom-form]");
    if (!form) return;
    const { start, end, reset } = event.detail;
    // Bars stand on local dates: the days that the stretch touches are meant.
    const dates = (x) => /[T ].*[+-]\d\d:\d\d$/.test(x) ? x : null;
    const nextDay = (x) => new Date(Date.parse(`${x.slice(0, 10)}T00:00Z`) + 86_400_000).toISOString().slice(0, 10);
    const zoom = reset ? "" : `${dates(start) ?? start.slice(0, 10)}/${dates(end) ?? nextDay(end)}`;
    const field = form.elements.zoom;
    if (field.value === zoom) return;
    field.value = zoom;
    field.disabled = !zoom;
    htmx.trigger(form, "zoom");
  });

  // Another range has stretches of its own.
  document.addEventListener(
    "change",
    (event) => {
      const field = event.target.matches?.("input[type=date]") && event.target.form?.elements.zoom;
      if (field) field.disabled = true;
    },
    true,
  );

  // Addresses that are shared say what was chosen, not what was left empty.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.closest?.("[data-lean]")) return;
    const { parameters } = event.detail;
    for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
  });

  showTheme();
})();
