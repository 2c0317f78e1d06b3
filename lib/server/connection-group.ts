// Connections that belong together: whom a message is for, and who is closed together. One that closes leaves by itself.

import { type CloseOptions, type Connection, type SendOptions, sendOptions } from "../client/connection.ts";
import { amount, optionsOf, ownProperties, refuseOthers } from "../client/options.ts";
import { bytesOf } from "../client/sendable.ts";
import { checkSocketClose } from "../client/socket-options.ts";
import { GOING_AWAY } from "../codec/close-code.ts";
import { type CloseInfo, UsageError } from "../errors.ts";
import { AcceptedConnection } from "./accepted-connection.ts";
import { PreparedMessage } from "./prepared-message.ts";

/** What happens to a member that does not take what it is sent. */
export type SlowMember = "close" | "terminate" | "skip";

/** Who of a group is slow, and what becomes of it. */
export interface GroupOptions {
  /**
   * A member is slow while more bytes than that wait to be sent to it when it is its turn: Infinity for never; 0 for who has
   * not taken all yet, also of what was sent in the same turn of the loop. Default 1 MiB.
   */
  readonly maxBufferedAmount?: number;
  /**
   * A slow member is closed with code 1013 ("try again later"), and dropped when it has not taken that within its
   * closeTimeout; or it is dropped at once; or it does without the message, until it has caught up. Default "close".
   */
  readonly slow?: SlowMember;
}

/** Of one call of broadcast(). */
export interface BroadcastOptions extends SendOptions {
  /** Who is left out: the sender, say. */
  readonly except?: Connection | undefined;
}

/** The code for who is to come back when things are better (IANA's registry). */
const TRY_AGAIN_LATER = 1013;

const SLOW: readonly unknown[] = ["close", "terminate", "skip"] satisfies SlowMember[];

/** A set of open connections. */
export class ConnectionGroup<Member extends Connection = AcceptedConnection> implements Iterable<Member> {
  readonly #members = new Set<Member>();
  /** Those that leave when they close: once is enough, however often they come and go. */
  readonly #watched = new WeakSet<Member>();
  readonly #maxBufferedAmount: number;
  readonly #slow: SlowMember;

  /** Throws UsageError for options that are wrong. */
  constructor(options: GroupOptions = {}) {
    const { maxBufferedAmount, slow = "close", ...others } = ownProperties(options);
    refuseOthers(others, []);
    this.#maxBufferedAmount =
      maxBufferedAmount === 0 ? 0 : amount("maxBufferedAmount", maxBufferedAmount, 1024 * 1024);
    if (!SLOW.includes(slow)) throw new UsageError('slow is "close", "terminate" or "skip"');
    this.#slow = slow;
  }

  /** Adds a connection, until it closes; one that is closing already is not added. */
  add(member: Member): this {
    if (this.#members.has(member) || member.state !== "open") return this;
    this.#members.add(member);
    if (this.#watched.has(member)) return this;
    this.#watched.add(member);
    void member.closed.then(() => this.#members.delete(member));
    return this;
  }

  /** Takes a connection out, which stays open; whether it was in. */
  delete(member: Member): boolean {
    return this.#members.delete(member);
  }

  /** Whether a connection is in it. */
  has(member: Member): boolean {
    return this.#members.has(member);
  }

  /** How many there are. */
  get size(): number {
    return this.#members.size;
  }

  /** The members in the order in which they were added. */
  [Symbol.iterator](): IterableIterator<Member> {
    return this.#members.values();
  }

  /**
   * Sends a message to all members that are open: text for a string, binary for bytes, which may be changed as soon as this
   * returned. It is encoded once, whatever their number, and compressed once for those that agreed on
   * `serverNoContextTakeover`. Nobody waits for anybody: see GroupOptions for who does not keep up. How many were sent it.
   * Throws UsageError for what is no message.
   */
  broadcast(
    data: string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView,
    options: BroadcastOptions = {},
  ): number {
    const { except, ...rest } = ownProperties(options);
    const { compress = true } = sendOptions(rest, "compress");
    const message = new PreparedMessage(typeof data === "string" ? data : bytesOf(data));
    let sent = 0;
    for (const member of this.#members) {
      if (member === except || member.state !== "open" || this.#isSlow(member)) continue;
      if (member instanceof AcceptedConnection) member.sendPrepared(message, compress);
      else void member.send(message.data, { compress });
      sent++;
    }
    return sent;
  }

  /** Closes all members; fulfils when they are gone, with how they went. Throws UsageError as Connection.close() does. */
  async closeAll(code: number = GOING_AWAY, reason = "", options: CloseOptions = {}): Promise<CloseInfo[]> {
    checkSocketClose(code, reason); // though there be no member to complain
    optionsOf(options, "timeout");
    return Promise.all([...this.#members].map((member) => member.close(code, reason, options)));
  }

  /** Closes all with 1001. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeAll();
  }

  #isSlow(member: Member): boolean {
    if (member.bufferedAmount <= this.#maxBufferedAmount) return false;
    if (this.#slow === "terminate") member.terminate();
    else if (this.#slow === "close") void member.close(TRY_AGAIN_LATER, "too slow");
    return true;
  }
}
