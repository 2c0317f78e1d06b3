// One run of the command: a connection, what is sent on it, what is printed of it, and how it ends.

import { readFileSync } from "node:fs";
import type { App, AppOptions, WebSocketAppConstructor } from "../client/app.ts";
import { type CloseInfo, HandshakeError, ProxyError, WebSocketError } from "../errors.ts";
import { parseTarget } from "../handshake/endpoint.ts";
import { escapedLines } from "./escape.ts";
import { ASKED, closedBy, complaintLine, exitOf, LOST, pageOf, type Signal, type Wish } from "./exit.ts";
import { History, historyPath } from "./history.ts";
import { optionsOf } from "./options.ts";
import { type Display, PlainDisplay, unwritable } from "./output.ts";
import { Prompt } from "./prompt.ts";
import { Recorder } from "./recorder.ts";
import { type Event, render, type Style } from "./render.ts";
import { Sender } from "./sender.ts";
import type { Settings } from "./settings.ts";

const SIGNALS: readonly Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** How often the runtime is told that there is something to wait for, in ms. */
const STAY_MS = 60_000;

/** Lines that are shown of the page with which a server refuses. */
const PAGE_LINES = 20;

export class Run {
  readonly #settings: Settings;
  readonly #style: Style;
  readonly #prompt: Prompt | undefined;
  readonly #display: Display;
  readonly #app: App;
  readonly #sender: Sender;
  readonly #recorder: Recorder | undefined;
  readonly #startedAt = performance.now();
  #wish: Wish | undefined;
  #staying: ReturnType<typeof setTimeout> | undefined;
  #received = 0;
  #isOpen = false;
  #wasOpen = false;
  #canPrint = true;
  /** As far as it was asked for. */
  #isRecorded = true;

  /** Throws UsageError for what cannot be. */
  constructor(settings: Settings, WebSocketApp: WebSocketAppConstructor) {
    this.#settings = settings;
    this.#style = styleOf(settings);
    this.#prompt = this.#style.prompt ? terminalPrompt(this.#style.colours) : undefined;
    this.#display = this.#prompt ?? new PlainDisplay();
    const options = { ...optionsOf(settings, readFileSync), ...this.#callbacks() };
    if (settings.record !== undefined)
      this.#recorder = new Recorder(settings.record, options.transport, (message) => {
        this.#isRecorded = false;
        this.#complain(message);
      });
    const recorded = this.#recorder && { transport: this.#recorder.transport };
    this.#app = new WebSocketApp(settings.url, { ...options, ...recorded });
    this.#sender = new Sender(this.#app, settings, {
      over: (isLate) => this.#finish(isLate ? "late" : "input"),
      failed: (error) => {
        this.#complain(error.message);
        this.#finish("misuse");
      },
      note: (line) => this.#display.note(line),
      interrupt: () => this.#signal("SIGINT"),
    });
  }

  /** Runs to the end; `version` is that of isosocket. The exit code. Rejects with UsageError where it cannot begin. */
  async end(version: string): Promise<number> {
    this.#recorder?.start();
    for (const signal of SIGNALS) process.on(signal, this.#signal);
    this.#stay();
    const info = await this.#app.runForever();
    clearTimeout(this.#staying);
    for (const signal of SIGNALS) process.off(signal, this.#signal);
    this.#sender.stop();
    this.#prompt?.end();
    await this.#recorder?.end(version);
    const { count = 0 } = this.#settings;
    const missing = Math.max(0, count - this.#received);
    const { code, complaint } = exitOf({ info, wish: this.#wish, wasOpen: this.#wasOpen, missing });
    const page = pageOf(info);
    const isShown = this.#settings.verbosity > 0;
    const more = page === "" || isShown ? "" : "; -v shows the page that came with it";
    if (complaint !== undefined) this.#complain(complaint + more);
    else if (this.#isTalkative) this.#display.note(this.#wish === undefined ? closedLine(info) : "closed");
    if (isShown) this.#showPage(page);
    return code === ASKED && !this.#isRecorded ? LOST : code;
  }

  /** A recording that is played may wait for what was sent then, and has no socket that would keep the process alive. */
  #stay(): void {
    this.#staying = setTimeout(() => this.#stay(), STAY_MS);
  }

  #callbacks(): AppOptions {
    return {
      onOpen: () => {
        this.#opened("connected to");
        if (this.#prompt === undefined) void this.#sender.sendInput(process.stdin);
        else this.#prompt.start(this.#sender);
      },
      onReconnect: () => this.#opened("connected again to"),
      onMessage: (_app, data) => {
        if (this.#wish === "count") return;
        this.#print({ type: "message", data });
        this.#sender.heard();
        if (++this.#received === this.#settings.count) this.#finish("count");
      },
      onPing: (_app, data) => this.#print({ type: "ping", data }),
      onPong: (_app, data) => this.#print({ type: "pong", data }),
      onError: (_app, error) => {
        if (!(error instanceof WebSocketError)) throw error; // not the connection's, but ours
      },
      onClose: (_app, _code, _reason, info) => this.#closed(info),
      ...(this.#settings.trace && { trace: { write: (line: string) => this.#display.note(line) } }),
    };
  }

  /** What is happening is told, and not only what went wrong. */
  get #isTalkative(): boolean {
    return this.#prompt !== undefined || this.#settings.verbosity > 0;
  }

  #opened(how: string): void {
    this.#isOpen = true;
    this.#wasOpen = true;
    const { connection } = this.#app;
    const { publicUrl: url } = parseTarget(connection?.url ?? this.#settings.url);
    const { protocol = "", extensions = "" } = connection ?? {};
    this.#print({ type: "open", url, status: connection?.response.status ?? 0, protocol, extensions });
    const details = [protocol && `subprotocol ${protocol}`, extensions].filter((detail) => detail !== "");
    const more = details.length > 0 ? ` (${details.join(", ")})` : "";
    const hint = this.#prompt === undefined ? "" : "; Ctrl-D closes";
    if (this.#isTalkative) this.#display.note(`${how} ${url}${more}${hint}`);
    this.#sender.opened();
  }

  /** The end of one connection. */
  #closed(info: CloseInfo): void {
    const { code, reason, wasClean, error, retry } = info;
    if (error !== undefined) {
      const status =
        error instanceof HandshakeError || error instanceof ProxyError ? error.status : undefined;
      this.#print({ type: "error", code: error.code, message: error.message, ...(status && { status }) });
    }
    if (this.#isOpen) this.#print({ type: "close", code, reason, wasClean });
    this.#isOpen = false;
    if (retry === undefined) return;
    const seconds = (retry.delay / 1000).toFixed(1);
    this.#complain(`${error?.message ?? closedBy(info)}; connecting again in ${seconds} s`);
  }

  #print(event: Event): void {
    if (!this.#canPrint) return;
    const line = render(event, this.#style, (performance.now() - this.#startedAt) / 1000);
    if (line === undefined) return;
    try {
      this.#display.print(line);
    } catch (error) {
      this.#canPrint = false;
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "EPIPE") this.#complain(unwritable(message));
      this.#finish(code === "EPIPE" ? "unread" : "unwritten");
    }
  }

  #complain(message: string): void {
    this.#display.note(complaintLine(message));
  }

  #showPage(page: string): void {
    if (page === "") return;
    for (const line of escapedLines(page).slice(0, PAGE_LINES)) this.#display.note(line);
  }

  /** Closes, as there is no more to do. */
  #finish(wish: Wish, { code, reason } = this.#settings.close ?? { code: 1000, reason: "" }): void {
    if (this.#wish !== undefined) return;
    this.#wish = wish;
    this.#sender.stop();
    this.#app.close(code, reason);
  }

  /** Somebody wants an end: by a closing handshake, and if that is under way at once. */
  readonly #signal = (signal: Signal): void => {
    if (this.#wish === undefined) {
      this.#finish(signal, signal === "SIGINT" ? undefined : { code: 1001, reason: "" });
    } else {
      this.#wish = signal;
      // A terminal that goes says so twice, and by the end of its input as well: there is no impatience in that.
      if (signal !== "SIGHUP") this.#app.terminate();
    }
  };
}

function styleOf({ json, raw, whole, timings, verbosity }: Settings): Style {
  const { stdin, stdout, env } = process;
  const isTerminal = stdout.isTTY === true;
  const isDumb = env.TERM === "dumb";
  return {
    json,
    raw,
    timings,
    labels: verbosity > 0,
    prompt: isTerminal && stdin.isTTY === true && !isDumb && !json && !raw && !whole,
    terminal: isTerminal,
    colours: isTerminal && !isDumb && !raw && !env.NO_COLOR,
  };
}

function terminalPrompt(colours: boolean): Prompt {
  const { stdin: input, stdout: output, stderr, env } = process;
  const hasNotes = stderr.isTTY === true;
  return new Prompt({ input, output, hasNotes, colours }, new History(historyPath(env)));
}

function closedLine(info: CloseInfo): string {
  return escapedLines(closedBy(info)).join(" ");
}
