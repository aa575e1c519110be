import CLinux
import Glibc
import Testing

@testable import Switchboard

@Suite struct EventLoopTests {
  private func pair() -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends)
    return (ends[0], ends[1])
  }

  @Test func timersFireInTheirOrder() throws {
    let loop = try EventLoop()
    var fired: [Int] = []
    loop.after(20_000_000) { fired.append(3) }
    loop.after(1_000_000) { fired.append(1) }
    let cancelled = loop.after(2_000_000) { fired.append(9) }
    loop.after(1_000_000) { fired.append(2) }
    loop.after(30_000_000) { loop.stop() }
    loop.cancel(cancelled)
    loop.run()
    #expect(fired == [1, 2, 3])
  }

  @Test func laterRunsOnceAtTheEndOfTheTurn() throws {
    let loop = try EventLoop()
    var said: [String] = []
    loop.later {
      said.append("a")
      loop.later { said.append("b") }
    }
    loop.turn(atMost: 0)
    #expect(said == ["a"])
    loop.turn()
    #expect(said == ["a", "b"])
    loop.turn(atMost: 0)
    #expect(said == ["a", "b"])
  }

  @Test func watchedOnceTellsOnceUntilChanged() throws {
    let loop = try EventLoop()
    let (a, b) = pair()
    defer { for fd in [a, b] { close(fd) } }
    var told = 0
    try loop.watch(a, [.readable, .once]) { _ in told += 1 }
    write(b, "x", 1)
    for _ in 0..<3 { loop.turn(atMost: 0) }
    #expect(told == 1)
    loop.change(a, [.readable, .once])
    for _ in 0..<3 { loop.turn(atMost: 0) }
    #expect(told == 2)
    loop.unwatch(a)
  }

  @Test func endOfThePeerIsTold() throws {
    let loop = try EventLoop()
    let (a, b) = pair()
    defer { close(a) }
    var readiness: EventLoop.Readiness = []
    try loop.watch(a, .readable) { readiness = $0 }
    close(b)
    loop.turn()
    #expect(readiness.contains([.readable, .ended]))
    loop.unwatch(a)
  }

  @Test func eventOfADescriptorThatWasUnwatchedIsDropped() throws {
    let loop = try EventLoop()
    let ends = [pair(), pair()]
    var told: [Int32] = []
    for (index, (a, _)) in ends.enumerated() {
      try loop.watch(a, .readable) { _ in
        told.append(a)
        // Both are ready in this turn; whichever comes first closes the other and takes its number.
        let other = ends[1 - index].0
        loop.unwatch(other)
        let replacement = self.pair()
        dup2(replacement.0, other)
        try? loop.watch(other, .readable) { _ in told.append(-1) }
        for fd in [replacement.0, replacement.1] { close(fd) }
      }
    }
    for (_, b) in ends { write(b, "x", 1) }
    loop.turn()
    #expect(told.count == 1)
    for (a, b) in ends {
      loop.unwatch(a)
      close(a)
      close(b)
    }
  }

  @Test func slotListKeepsItsOrder() {
    var list = SlotList(slotCount: 5)
    list.append(3)
    list.append(1)
    list.prepend(4)
    list.append(0)
    let removed = [list.remove(1), list.remove(1)]
    #expect(removed == [true, false])
    var order: [Int] = []
    var next = list.first
    while let slot = next {
      order.append(slot)
      next = list.slot(after: slot)
    }
    #expect(order == [4, 3, 0])
    #expect(list.last == 0)
    #expect(list.slot(before: 3) == 4)
    #expect(list.count == 3)
    for slot in order { list.remove(slot) }
    #expect(list.isEmpty && list.first == nil && list.last == nil)
  }
}
