// WHATWG streams as a transport: what each side does to the other, in order, with nothing told within a call and nothing after
// the end.

import { expect } from "chai";
import { TransportError, UsageError } from "../../lib/errors.ts";
import { memoryPipe } from "../../lib/transport/memory.ts";
import { type ByteStreams, overStreams } from "../../lib/transport/streams.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { thrown } from "../support/failure.ts";
import { Heard } from "../support/heard.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Streams whose far sides are in the test's hands. */
function scripted(): {
  streams: ByteStreams;
  from: ReadableStreamDefaultController<Uint8Array>;
  to: WritableStreamDefaultController;
  /** What was written; each is taken when its function is called. */
  writes: { text: string; take: () => void; refuse: (reason: unknown) => void }[];
  calls: string[];
  pulls: () => number;
} {
  let from: ReadableStreamDefaultController<Uint8Array> | undefined;
  let to: WritableStreamDefaultController | undefined;
  let pulls = 0;
  const writes: { text: string; take: () => void; refuse: (reason: unknown) => void }[] = [];
  const calls: string[] = [];
  const readable = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        from = controller;
      },
      pull() {
        pulls++;
      },
      cancel() {
        calls.push("cancel");
      },
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      to = controller;
    },
    write: (chunk) =>
      new Promise((take, refuse) => {
        writes.push({ text: Buffer.from(chunk).toString("latin1"), take, refuse });
      }),
    close() {
      calls.push("close");
    },
    abort() {
      calls.push("abort");
    },
  });
  if (from === undefined || to === undefined) throw new Error("streams start at once");
  return { streams: { readable, writable }, from, to, writes, calls, pulls: () => pulls };
}

describe("overStreams", () => {
  cleanUp();

  it("refuses streams that somebody has", () => {
    for (const name of ["readable", "writable"] as const) {
      const { client } = memoryPipe();
      if (name === "readable") client.readable.getReader();
      else client.writable.getWriter();
      expect(thrown(() => overStreams(client), UsageError).code).to.equal("ERR_WS_INVALID_STATE");
    }
  });

  it("tells why it was lost, also where that is no Error", async () => {
    for (const reason of ["the dog ate it", new Error("the dog ate it")]) {
      const { streams, from } = scripted();
      const heard = new Heard();
      overStreams(streams).attach(heard);
      from.error(reason);
      await nextTurn();
      expect(heard.cause).to.be.an.instanceOf(TransportError).and.include({ cause: reason });
      expect(heard.cause?.message).to.equal("the connection was lost: the dog ate it");
    }
  });

  it("carries bytes both ways, and the ends", async () => {
    const { client, server } = memoryPipe();
    const [one, two] = [overStreams(client), overStreams(server)];
    const [heard, other] = [new Heard(), new Heard()];
    one.attach(heard);
    two.attach(other);
    one.write(bytesOf("hello"));
    expect(await other.next()).to.equal("data hello");
    two.write(bytesOf("and back"));
    expect(await heard.next()).to.equal("data and back");
    one.end();
    expect(await other.next()).to.equal("end");
    two.write(bytesOf("last"));
    two.end();
    expect([await heard.next(), await heard.next(), await heard.next()]).to.deep.equal([
      "data last",
      "end",
      "closed",
    ]);
    expect(await other.next()).to.equal("closed");
    expect(one.write(bytesOf("late"))).to.equal(true);
    one.end();
    one.destroy();
    await nextTurn();
    expect([heard.closes, other.closes, heard.events.waiting, other.events.waiting]).to.deep.equal([
      1, 1, 0, 0,
    ]);
  });

  it("has no use for the memory of a write once it returned", async () => {
    const { streams, writes } = scripted();
    const transport = overStreams(streams);
    transport.attach(new Heard());
    const bytes = bytesOf("abc");
    expect(transport.write(bytes)).to.equal(true);
    expect(transport.write(bytes.fill(0x78))).to.equal(true);
    bytes.fill(0x79);
    await nextTurn();
    writes[0]?.take();
    await nextTurn();
    expect(writes.map(({ text }) => text)).to.deep.equal(["abc", "xxx"]);
    writes[1]?.take();
    transport.destroy();
  });

  it("counts what the stream has not taken, and tells when it has, where it was much", async () => {
    const { streams, writes } = scripted();
    const transport = overStreams(streams);
    const heard = new Heard();
    transport.attach(heard);
    transport.write(bytesOf("few"));
    expect(transport.bufferedBytes).to.equal(3);
    await nextTurn();
    writes[0]?.take();
    await nextTurn();
    expect([transport.bufferedBytes, heard.events.waiting]).to.deep.equal([0, 0]);
    transport.write(new Uint8Array(16 * 1024));
    transport.write(bytesOf("few"));
    await nextTurn();
    writes[1]?.take();
    await nextTurn();
    expect([transport.bufferedBytes, heard.events.waiting]).to.deep.equal([3, 0]);
    writes[2]?.take();
    expect(await heard.next()).to.equal("drain");
    expect(transport.bufferedBytes).to.equal(0);
    transport.destroy();
    expect(await heard.next()).to.equal("closed");
    expect(transport.bufferedBytes).to.equal(0);
  });

  it("asks for nothing before it is attached, nor while paused", async () => {
    const { streams, from, pulls } = scripted();
    const transport = overStreams(streams);
    await nextTurn();
    expect(pulls()).to.equal(0);
    const heard = new Heard();
    transport.attach(heard);
    await nextTurn();
    expect(pulls()).to.equal(1);
    heard.onData = () => transport.pause();
    from.enqueue(bytesOf("a"));
    from.enqueue(bytesOf("b"));
    expect(await heard.next()).to.equal("data a");
    await nextTurn();
    expect(heard.events.waiting).to.equal(0);
    transport.resume();
    transport.resume();
    expect(await heard.next()).to.equal("data b");
    await nextTurn();
    const asked = pulls();
    await nextTurn();
    expect(pulls()).to.equal(asked);
    transport.destroy();
  });

  it("tells only who is attached now", async () => {
    const { streams, from } = scripted();
    const transport = overStreams(streams);
    const [before, now] = [new Heard(), new Heard()];
    transport.attach(before);
    before.onData = () => transport.attach(now);
    from.enqueue(bytesOf("a"));
    from.enqueue(bytesOf("b"));
    expect(await now.next()).to.equal("data b");
    transport.destroy();
    expect(await now.next()).to.equal("closed");
    expect([before.chunks.length, before.closes]).to.deep.equal([1, 0]);
  });

  it("lets timers have their turn between chunks that are all there", async () => {
    let isTurn = false;
    let reads = 0;
    const readable = new ReadableStream<Uint8Array>({
      pull(controller) {
        reads++;
        controller.enqueue(bytesOf("x"));
      },
    });
    const transport = overStreams({ readable, writable: new WritableStream() });
    const heard = new Heard();
    heard.onData = () => {
      if (isTurn || heard.bytes > 100_000) transport.destroy();
    };
    setTimeout(() => {
      isTurn = true;
    }, 0);
    transport.attach(heard);
    while (heard.closes === 0) await nextTurn();
    expect([isTurn, reads < 100_000]).to.deep.equal([true, true]);
  });

  for (const [title, chunk] of [
    ["a string", "text"],
    ["null", null],
    ["an ArrayBuffer", new ArrayBuffer(1)],
  ] as const) {
    it(`fails for a stream that gives ${title}`, async () => {
      const { streams, from, calls } = scripted();
      const heard = new Heard();
      overStreams(streams).attach(heard);
      from.enqueue(chunk as unknown as Uint8Array);
      expect(await heard.next()).to.equal(
        "closed the connection was lost: it gave a chunk that is not a Uint8Array",
      );
      expect(calls).to.have.members(["cancel", "abort"]);
    });
  }

  it("fails when the stream to read does, with its reason", async () => {
    const { streams, from, calls } = scripted();
    const heard = new Heard();
    const transport = overStreams(streams);
    transport.attach(heard);
    const reason = new Error("out of tape");
    from.error(reason);
    expect(await heard.next()).to.equal("closed the connection was lost: out of tape");
    expect(heard.cause).to.be.instanceOf(TransportError);
    expect(heard.cause?.cause).to.equal(reason);
    expect(calls).to.deep.equal(["abort"]);
    transport.destroy();
    await nextTurn();
    expect(heard.closes).to.equal(1);
  });

  describe("when the stream to write fails", () => {
    it("reads on to the end, and then says why", async () => {
      const { streams, from, to } = scripted();
      const heard = new Heard();
      const transport = overStreams(streams);
      transport.attach(heard);
      transport.pause();
      to.error(new Error("pipe broke"));
      from.enqueue(bytesOf("why I left"));
      expect(await heard.next()).to.equal("data why I left");
      expect(transport.write(bytesOf("more"))).to.equal(true);
      from.close();
      expect([await heard.next(), await heard.next()]).to.deep.equal([
        "end",
        "closed the connection was lost: pipe broke",
      ]);
    });

    it("waits for that end only so long", async () => {
      const { streams, writes, calls } = scripted();
      const heard = new Heard();
      const transport = overStreams(streams);
      transport.attach(heard);
      transport.write(bytesOf("hello"));
      await nextTurn();
      writes[0]?.refuse(new Error("refused"));
      expect(await heard.next()).to.equal("closed the connection was lost: refused");
      expect(calls).to.deep.equal(["cancel"]);
    });

    it("before anybody is attached, tells who comes", async () => {
      const { streams, to, from } = scripted();
      const transport = overStreams(streams);
      to.error(new Error("pipe broke"));
      from.close();
      await nextTurn();
      const heard = new Heard();
      transport.attach(heard);
      expect([await heard.next(), await heard.next()]).to.deep.equal([
        "end",
        "closed the connection was lost: pipe broke",
      ]);
    });
  });

  it("drops both streams at once, and tells so behind the call, whatever they do", async () => {
    const never = new Promise<void>(() => {});
    const readable = new ReadableStream<Uint8Array>({ cancel: () => never });
    const writable = new WritableStream<Uint8Array>({ write: () => never, abort: () => never });
    const transport = overStreams({ readable, writable });
    const heard = new Heard();
    transport.attach(heard);
    transport.write(bytesOf("stuck"));
    transport.destroy();
    expect(heard.closes).to.equal(0);
    expect(await heard.next()).to.equal("closed");
    expect(heard.cause).to.equal(undefined);
  });

  it("hears nothing of a stream that was dropped", async () => {
    const { streams, from } = scripted();
    const heard = new Heard();
    const transport = overStreams(streams);
    transport.attach(heard);
    from.enqueue(bytesOf("a"));
    transport.destroy();
    await nextTurn();
    expect([heard.bytes, heard.closes, heard.events.waiting]).to.deep.equal([0, 1, 1]);
  });

  it("ends behind what was written", async () => {
    const { streams, writes, calls, from } = scripted();
    const heard = new Heard();
    const transport = overStreams(streams);
    transport.attach(heard);
    transport.write(bytesOf("a"));
    transport.write(bytesOf("b"));
    transport.end();
    from.close();
    expect(await heard.next()).to.equal("end");
    expect(calls).to.deep.equal([]);
    writes[0]?.take();
    await nextTurn();
    expect([calls, heard.closes]).to.deep.equal([[], 0]);
    writes[1]?.take();
    expect(await heard.next()).to.equal("closed");
    expect(calls[0]).to.equal("close");
  });
});
