// Loaded in <head> without defer: sets the chosen theme before the first paint, so that no page flashes.
// Without a choice the attribute stays away and CSS follows the system.
(() => {
  try {
    const theme = localStorage.getItem("lastgang-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is closed to us (private window, policy): the system's theme it is.
  }
})();
