// How it stands with the connection, for people: a dot and a few words, which screen readers say when they change.

/** Shows it in an element of class `status`; each function of what it gives is called when that happens. */
export function statusIn(element) {
  const words = document.createElement("span");
  words.setAttribute("role", "status");
  const countdown = document.createElement("span"); // not said aloud: it changes every second
  countdown.setAttribute("aria-hidden", "true");
  element.replaceChildren(words, countdown);
  let timer;

  function show(state, text) {
    clearInterval(timer);
    countdown.textContent = "";
    element.dataset.state = state;
    words.textContent = text;
  }

  return {
    connecting: () => show("busy", "Connecting"),
    open: () => show("open", "Connected"),
    /** As onClose() of a WebSocketApp tells it; `retry` is there when another attempt follows. */
    closed(code, reason, retry) {
      if (retry === undefined)
        return show("closed", reason || (code === 1000 ? "Not connected" : `Closed with code ${code}`));
      show("busy", "Connection lost, trying again");
      const due = performance.now() + retry.delay;
      const count = () => {
        const seconds = Math.ceil((due - performance.now()) / 1000);
        countdown.textContent = seconds > 0 ? `in ${seconds} s` : "now";
      };
      count();
      timer = setInterval(count, 1000);
    },
  };
}
