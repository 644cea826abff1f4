// The API's pages send raw JSON with any method, which a form alone cannot. The answer is a page of the same kind, and
// takes the place of what was there; what was typed stays, so that it can be mended.
(() => {
  async function send(form) {
    const button = form.querySelector("button[type=submit]");
    const typed = form.elements.body?.value;
    const method = form.dataset.sends;
    const asked = { method, credentials: "same-origin", headers: { Accept: "text/html" } };
    asked.headers["X-CSRFToken"] = form.elements.csrfmiddlewaretoken.value;
    if (typed !== undefined) {
      asked.headers["Content-Type"] = "application/json";
      asked.body = typed;
    }
    button.disabled = true;
    try {
      const answer = await fetch(location.href, asked);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const content = page.querySelector("#content");
      if (!content) throw new Error(`HTTP ${answer.status}`);
      document.querySelector("#content").replaceChildren(...content.childNodes);
      const again = document.querySelector(`form[data-sends="${method}"]`);
      if (typed !== undefined && again && !answer.ok) again.elements.body.value = typed;
      document.querySelector("#content").focus();
      scrollTo(0, 0);
    } catch (error) {
      const told = form.querySelector("[data-told]");
      told.textContent = `That was not answered: ${error.message}`;
      told.hidden = false;
    } finally {
      button.disabled = false;
    }
  }

  document.addEventListener("submit", (event) => {
    if (!(event.target instanceof HTMLFormElement) || !event.target.dataset.sends) return;
    event.preventDefault();
    send(event.target);
  });
})();
