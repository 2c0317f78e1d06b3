// A timer that does not keep the process alive: who waits for the peer leaves that to the socket.

export function idleTimer(call: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(call, ms);
  const { unref } = timer as { unref?: () => void };
  unref?.call(timer);
  return timer;
}
