// Swagger UI knows its dark colours by a class on <html>; it follows the product's choice of theme, or the system's.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const theme = root.dataset.theme ?? (system.matches ? "dark" : "light");
    root.classList.toggle("dark-mode", theme === "dark");
  };
  new MutationObserver(follow).observe(root, { attributeFilter: ["data-theme"] });
  system.addEventListener("change", follow);
  follow();
})();
