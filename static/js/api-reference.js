// Redoc in the product's colours and fonts. It reckons with colours itself, so that it is given what the stylesheet's
// come to, and drawn again where the theme changes.
(() => {
  const place = document.querySelector("#api-reference");
  const system = matchMedia("(prefers-color-scheme: dark)");

  // It would show its maker's logo from another host, which the policy refuses and no reader of this page asked for.
  const set = Element.prototype.setAttribute;
  const ours = (address) => new URL(address, location.href).origin === location.origin;
  HTMLImageElement.prototype.setAttribute = function (name, value) {
    if (name !== "src" || ours(value)) set.call(this, name, value);
  };
  Object.defineProperty(HTMLImageElement.prototype, "src", {
    get() {
      return this.getAttribute("src") ?? "";
    },
    set(address) {
      this.setAttribute("src", address);
    },
  });

  function colour(name) {
    const probe = document.createElement("span");
    probe.style.color = `var(--${name})`;
    place.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  function options() {
    const [surface, sunken, line] = ["surface", "sunken", "line"].map(colour);
    const [text, soft, accent] = ["text", "text-soft", "accent"].map(colour);
    const fonts = getComputedStyle(document.documentElement);
    const family = fonts.getPropertyValue("--font");
    const mono = fonts.getPropertyValue("--font-mono");
    return {
      // Its search runs in a worker made of text, which the policy refuses; a browser finds words, too.
      disableSearch: true,
      hideDownloadButtons: true,
      nativeScrollbars: true,
      scrollYOffset: ".topbar",
      theme: {
        colors: {
          primary: { main: accent },
          text: { primary: text, secondary: soft },
          border: { dark: line, light: line },
          gray: { 50: sunken, 100: sunken },
          success: { main: colour("ok") },
          error: { main: colour("error") },
          warning: { main: colour("warning") },
          responses: {
            success: { color: colour("ok"), backgroundColor: colour("ok-soft"), tabTextColor: "#4cc489" },
            error: { color: colour("error"), backgroundColor: colour("error-soft"), tabTextColor: "#ff8f85" },
          },
        },
        schema: { nestedBackground: sunken, linesColor: line, typeNameColor: soft, typeTitleColor: soft },
        sidebar: { backgroundColor: surface, textColor: text, activeTextColor: accent, width: "240px" },
        rightPanel: { backgroundColor: "#1f242b", textColor: "#eceff2" },
        codeBlock: { backgroundColor: "#171b20" },
        typography: {
          fontSize: "14px",
          fontFamily: family,
          headings: { fontFamily: family, fontWeight: "600" },
          code: { fontFamily: mono, fontSize: "12px", color: text, backgroundColor: sunken },
          links: { color: accent, visited: accent, hover: accent },
        },
      },
    };
  }

  function draw() {
    const fresh = document.createElement("div");
    place.replaceChildren(fresh);
    Redoc.init(place.dataset.schema, options(), fresh);
  }

  addEventListener("DOMContentLoaded", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  system.addEventListener("change", draw);
})();
