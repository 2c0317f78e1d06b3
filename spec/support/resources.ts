// What keeps a process alive, counted by kind: sockets, servers, child processes, timers.

import { Server, Socket } from "node:net";

const KINDS = /Socket|Server|TLS|Pipe|Process|Timeout/;

/** How many there are of each kind. */
export function resources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of watched?.() ?? process.getActiveResourcesInfo()) {
    if (KINDS.test(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** The kinds of which there are more than there were. */
export function moreThan(before: ReadonlyMap<string, number>): string[] {
  const now = [...resources()];
  return now.filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind);
}

/** Bun has the function, and it names nothing: there we look on as sockets and timers are made. */
const watched: (() => string[]) | undefined = "Bun" in globalThis ? watch() : undefined;

/** What Bun's sockets say of themselves then. */
const CLOSED = -1;

type Run = (...args: unknown[]) => unknown;

function watch(): () => string[] {
  const sockets = new Set<object>();
  /** Bun's own below a socket that has connected: where it is taken, the socket does not tell that it is closed. */
  const below = new WeakMap<object, { readonly readyState: number }>();
  const servers = new Set<object>();
  const timers = new Set<{ hasRef(): boolean }>();
  const keep = (set: Set<object>, thing: Socket | Server) => {
    if (set.has(thing)) return;
    set.add(thing);
    thing.once("close", () => set.delete(thing));
  };

  const forgetClosed = () => {
    for (const socket of sockets) if (below.get(socket)?.readyState === CLOSED) sockets.delete(socket);
  };
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    forgetClosed();
    keep(sockets, this);
    this.once("connect", () => below.set(this, Reflect.get(this, "_handle")));
    return Reflect.apply(connect, this, args);
  } as never;
  const { listen, emit } = Server.prototype;
  Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    keep(servers, this);
    return Reflect.apply(listen, this, args);
  } as never;
  Server.prototype.emit = function (this: Server, event: string, ...args: unknown[]) {
    if (event === "connection" && args[0] instanceof Socket) keep(sockets, args[0]);
    return Reflect.apply(emit, this, [event, ...args]);
  } as never;

  const { setTimeout, clearTimeout } = globalThis;
  Object.assign(globalThis, {
    setTimeout: (run: Run, ...more: unknown[]) => {
      const timer = Reflect.apply(setTimeout, undefined, [
        (...args: unknown[]) => {
          timers.delete(timer);
          run(...args);
        },
        ...more,
      ]);
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer: { hasRef(): boolean }) => {
      timers.delete(timer);
      clearTimeout(timer as never);
    },
  });
  return () => {
    forgetClosed();
    return [
      ...Array.from(sockets, () => "Socket"),
      ...Array.from(servers, () => "Server"),
      ...Array.from(timers).flatMap((timer) => (timer.hasRef() ? ["Timeout"] : [])),
    ];
  };
}
