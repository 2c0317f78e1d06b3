// What every client in JavaScript is asked to do with our server, in the order of the table's columns. It runs in pages, too, so
// there is nothing in it but the web's.

/** What a client cannot do; the reason is for the table. */
export class Absent extends Error {}

/** It was refused; with what, if the client tells. */
export class Refused extends Error {
  readonly status: number | undefined;
  constructor(status: number | undefined) {
    super(`it was refused with ${status ?? "no status"}`);
    this.status = status;
  }
}

export interface Link {
  send(message: string | Uint8Array): void;
  recv(): Promise<string | Uint8Array>;
  close(code: number, reason: string): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** Fulfils with the pong. */
  readonly ping?: (data: string) => Promise<string>;
  readonly fragments?: (pieces: readonly string[]) => void;
}

export interface Client {
  /** Rejects with Refused where the server did not upgrade. `compress`: where a client can be told. */
  open(url: string, compress: boolean): Promise<Link>;
}

export interface Outcome {
  readonly case: string;
  readonly outcome: "ok" | "none" | "failed";
  readonly note: string;
}

/** How long a case may take, in ms. */
const PATIENCE_MS = 20_000;

const MIB = 1024 * 1024;

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function isSame(one: string | Uint8Array, other: string | Uint8Array): boolean {
  if (typeof one === "string" || typeof other === "string") return one === other;
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

async function echoes(link: Link, ...messages: (string | Uint8Array)[]): Promise<void> {
  for (const message of messages) {
    link.send(message);
    const back = await link.recv();
    check(isSame(back, message), `${typeof message} of ${message.length} came back as another`);
  }
}

type Run = (client: Client, base: string) => Promise<string | undefined>;

/** A case with one connection to /echo. */
function echoing(...messages: (string | Uint8Array)[]): Run {
  return async (client, base) => {
    const link = await client.open(`${base}echo`, false);
    await echoes(link, ...messages);
    link.close(1000, "");
    await link.closed;
    return undefined;
  };
}

/** What the server says once it is asked. */
async function recvOnce(client: Client, url: string): Promise<string | Uint8Array> {
  const link = await client.open(url, false);
  link.send("now");
  const message = await link.recv();
  link.close(1000, "");
  await link.closed;
  return message;
}

const CASES: Readonly<Record<string, Run>> = {
  text: echoing("Hello, Server"),
  "UTF-8": echoing("a\u00e9\u20ac\u{1f600}\ufffd\0".repeat(100)),
  binary: echoing(Uint8Array.from({ length: 256 }, (_, i) => i)),
  empty: echoing("", new Uint8Array(0), ""),

  async fragmented(client, base) {
    const came = await recvOnce(client, `${base}fragments`);
    check(came === "one, two, thr\u00e9\u00e9", `the server's fragments came as ${String(came)}`);
    const link = await client.open(`${base}echo`, false);
    link.fragments?.(["one, ", "", "two"]);
    if (link.fragments !== undefined)
      check((await link.recv()) === "one, two", "fragments came back as another");
    link.close(1000, "");
    await link.closed;
    return link.fragments === undefined
      ? "It has no way to send fragments; it takes those of the server."
      : undefined;
  },

  "1 MiB": echoing(
    Uint8Array.from({ length: MIB }, (_, i) => (i * 31) ^ (i >> 8)),
    "0123456789abcd\u20ac".repeat(MIB / 17),
  ),

  async ping(client, base) {
    check((await recvOnce(client, `${base}ping`)) === "you are", "it did not answer a ping");
    const link = await client.open(`${base}echo`, false);
    if (link.ping !== undefined) check((await link.ping("hi")) === "hi", "its ping was not answered");
    link.close(1000, "");
    await link.closed;
    return link.ping === undefined
      ? "It has no way to send pings; it answers those of the server."
      : undefined;
  },

  async close(client, base) {
    const id = Math.random();
    const one = await client.open(`${base}echo?id=${id}`, false);
    one.close(4001, "enough \u20ac");
    const { code, reason } = await one.closed;
    check(code === 4001 && reason === "enough \u20ac", `its own Close was answered with ${code} ${reason}`);
    const seen = JSON.parse(String(await recvOnce(client, `${base}seen?id=${id}`)));
    check(
      seen.code === 4001 && seen.reason === "enough \u20ac" && seen.wasClean === true,
      `the server saw ${JSON.stringify(seen)}`,
    );
    const other = await client.open(`${base}close?id=${id}b`, false);
    other.send("now");
    const end = await other.closed;
    check(
      end.code === 4002 && end.reason === "go away \u20ac",
      `the server's Close came as ${end.code} ${end.reason}`,
    );
    const answered = JSON.parse(String(await recvOnce(client, `${base}seen?id=${id}b`)));
    check(
      answered.code === 4002 && answered.wasClean === true,
      `it answered with ${JSON.stringify(answered)}`,
    );
    return undefined;
  },

  async compression(client, base) {
    const link = await client.open(`${base}terms`, true);
    link.send("now");
    const terms = String(await link.recv());
    if (!terms.startsWith("permessage-deflate")) throw new Absent("It does not offer compression.");
    const text = "over and over and ".repeat(2000);
    await echoes(link, text, "", text, new Uint8Array(5000), "\u{1f600}".repeat(9), text);
    link.close(1000, "");
    await link.closed;
    return undefined;
  },

  async refusal(client, base) {
    try {
      await client.open(`${base}refuse`, false);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      check(error.status === undefined || error.status === 403, error.message);
      return error.status === undefined ? "It does not tell the status." : undefined;
    }
    throw new Error("it was not refused");
  },
};

/** Tries all of it with the server at `base`, a url that ends in a slash. */
export async function tryAll(client: Client, base: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [name, run] of Object.entries(CASES)) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it took more than ${PATIENCE_MS} ms`)), PATIENCE_MS);
    });
    try {
      const note = await Promise.race([run(client, base), late]);
      outcomes.push({ case: name, outcome: "ok", note: note ?? "" });
    } catch (error) {
      const outcome = error instanceof Absent ? "none" : "failed";
      outcomes.push({ case: name, outcome, note: error instanceof Error ? error.message : String(error) });
    } finally {
      clearTimeout(timer);
    }
  }
  return outcomes;
}
