// The WebSocket of a browser, played by a script: what it is asked is written down, and what happens to it the test says.

import type { NativeCloseEvent, NativeSocket } from "../../lib/session/native.ts";

export class FakeNative implements NativeSocket {
  /** `send "text"`, `send 0102`, `close`, `close 4000 bye`. */
  readonly calls: string[] = [];
  readonly url: string;
  readonly protocols: readonly string[];
  readyState = 0;
  protocol = "";
  extensions = "";
  bufferedAmount = 0;
  binaryType = "blob";
  onopen: NativeSocket["onopen"] = null;
  onmessage: NativeSocket["onmessage"] = null;
  onerror: NativeSocket["onerror"] = null;
  onclose: NativeSocket["onclose"] = null;
  /** What was sent, as it was given. */
  readonly sent: unknown[] = [];

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  send(data: string | Uint8Array | Blob): void {
    this.sent.push(data);
    const shown = data instanceof Uint8Array ? Buffer.from(data).toString("hex") : JSON.stringify(data);
    this.calls.push(`send ${data instanceof Blob ? `${data.size} bytes` : shown}`);
  }

  close(...args: [code?: number, reason?: string]): void {
    this.readyState = 2;
    this.calls.push(["close", ...args].join(" ").trim());
  }

  /** The upgrade is done. */
  open(protocol = ""): void {
    this.readyState = 1;
    this.protocol = protocol;
    this.onopen?.();
  }

  message(data: unknown): void {
    this.onmessage?.({ data });
  }

  fail(): void {
    this.readyState = 3;
    this.onerror?.();
  }

  end(event: Partial<NativeCloseEvent> = {}): void {
    this.readyState = 3;
    this.onclose?.({ code: 1000, reason: "", wasClean: true, ...event });
  }
}
