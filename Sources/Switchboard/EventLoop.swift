import CLinux
import Glibc

/// The one loop that drives `nacre`: descriptors (epoll), timers, and what is to be done at the end of a turn.
///
/// Everything runs on the thread that calls ``run()``. A handler may watch, change, unwatch and close any descriptor,
/// its own included: an event that was fetched for a descriptor which has since been unwatched is dropped, even when
/// the number is in use again.
public final class EventLoop {
  /// What to be told about a descriptor.
  public struct Interest: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt32
    /// The interest with these bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// There is something to read, or the peer will send no more.
    public static let readable = Interest(rawValue: 1)
    /// There is room to write.
    public static let writable = Interest(rawValue: 2)
    /// Tell once; then nothing, hang-up included, until ``EventLoop/change(_:_:)``.
    public static let once = Interest(rawValue: 4)
    /// Tell only when something new has come since (`EPOLLET`).
    public static let edge = Interest(rawValue: 8)

    var events: UInt32 {
      var events: UInt32 = 0
      if contains(.readable) { events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
      if contains(.writable) { events |= EPOLLOUT.rawValue }
      if contains(.once) { events |= EPOLLONESHOT.rawValue }
      if contains(.edge) { events |= EPOLLET.rawValue }
      return events
    }
  }

  /// What a descriptor is ready for.
  public struct Readiness: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt32
    /// The readiness with these bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// Reading does not block (it may tell end-of-file or an error).
    public static let readable = Readiness(rawValue: 1)
    /// Writing does not block (it may tell an error).
    public static let writable = Readiness(rawValue: 2)
    /// The peer will send no more; what it has sent can still be read.
    public static let ended = Readiness(rawValue: 4)

    init(events: UInt32) {
      self = []
      // After an error or a full hang-up the next read or write tells the reason, so both are worth trying.
      let broken = events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
      if broken || events & EPOLLIN.rawValue != 0 { insert(.readable) }
      if broken || events & EPOLLOUT.rawValue != 0 { insert(.writable) }
      if broken || events & EPOLLRDHUP.rawValue != 0 { insert([.ended, .readable]) }
    }
  }

  private struct Watch {
    var handler: (Readiness) -> Void
    var serial: UInt32
  }

  private static let batch = 256
  private let poller: Int32
  private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: EventLoop.batch)
  /// By descriptor number.
  private var watches: [Watch?] = []
  private var lastSerial: UInt32 = 0
  private var timers = TimerQueue()
  private var atTheEnd: [() -> Void] = []
  private var running: [() -> Void] = []
  private var isStopped = false
  /// Nanoseconds of `CLOCK_MONOTONIC` when the current turn began.
  public private(set) var now: UInt64

  /// A loop that watches nothing yet.
  public init() throws(SystemError) {
    poller = epoll_create1(Int32(EPOLL_CLOEXEC))
    now = Self.clock()
    // All is initialized: `deinit` runs.
    guard poller >= 0 else { throw SystemError("make an epoll descriptor") }
  }

  deinit {
    if poller >= 0 { close(poller) }
    events.deallocate()
  }

  /// Nanoseconds of `CLOCK_MONOTONIC`, this very moment.
  public static func clock() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  // MARK: Descriptors

  /// Calls `handler` whenever `fd` is ready for what `interest` names, level-triggered unless it says otherwise. The
  /// descriptor must be unwatched before it is closed: another process may hold a copy, and epoll would go on.
  public func watch(
    _ fd: Int32, _ interest: Interest, _ handler: @escaping (Readiness) -> Void
  ) throws(SystemError) {
    lastSerial &+= 1
    var event = epoll_event(events: interest.events, data: Self.data(fd, lastSerial))
    guard epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0 else { throw SystemError("watch descriptor \(fd)") }
    while watches.count <= Int(fd) { watches.append(nil) }
    watches[Int(fd)] = Watch(handler: handler, serial: lastSerial)
  }

  /// Replaces the interest in a watched descriptor. What is ready already is told again.
  public func change(_ fd: Int32, _ interest: Interest) {
    guard fd >= 0, Int(fd) < watches.count, let watch = watches[Int(fd)] else { return }
    var event = epoll_event(events: interest.events, data: Self.data(fd, watch.serial))
    epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event)
  }

  /// Forgets a descriptor; one that is not watched is ignored.
  public func unwatch(_ fd: Int32) {
    guard fd >= 0, Int(fd) < watches.count, watches[Int(fd)] != nil else { return }
    watches[Int(fd)] = nil
    var event = epoll_event()
    epoll_ctl(poller, EPOLL_CTL_DEL, fd, &event)
  }

  private static func data(_ fd: Int32, _ serial: UInt32) -> epoll_data_t {
    epoll_data_t(u64: UInt64(serial) << 32 | UInt64(UInt32(bitPattern: fd)))
  }

  // MARK: Timers and turns

  /// Calls `action` once, at the earliest so many nanoseconds after the current turn began.
  @discardableResult
  public func after(_ nanoseconds: UInt64, _ action: @escaping () -> Void) -> Timer {
    timers.add(at: now &+ nanoseconds, action)
  }

  /// Forgets a timer; one that has fired is ignored.
  public func cancel(_ timer: Timer) { timers.remove(timer) }

  /// Calls `action` once, at the end of this turn.
  public func later(_ action: @escaping () -> Void) { atTheEnd.append(action) }

  /// Turns until ``stop()``.
  public func run() {
    isStopped = false
    while !isStopped { turn() }
  }

  /// Makes ``run()`` return after the current turn.
  public func stop() { isStopped = true }

  /// Waits, at most so many nanoseconds, until something is to be done, and does it. Returns how many descriptors were
  /// ready.
  @discardableResult
  public func turn(atMost limit: UInt64 = .max) -> Int {
    let count = epoll_wait(poller, events, Int32(Self.batch), patience(limit))
    now = Self.clock()
    for index in 0..<max(0, Int(count)) {
      let event = events[index]
      let (fd, serial) = (Int(event.data.u64 & 0xFFFF_FFFF), UInt32(event.data.u64 >> 32))
      guard let watch = watches[fd], watch.serial == serial else { continue }
      watch.handler(Readiness(events: event.events))
    }
    while let action = timers.takeDue(now) { action() }
    swap(&running, &atTheEnd)
    for action in running { action() }
    running.removeAll(keepingCapacity: true)
    return max(0, Int(count))
  }

  /// Milliseconds to wait for events, rounded up so that a timer is due when the wait ends; -1 for ever.
  private func patience(_ limit: UInt64) -> Int32 {
    if !atTheEnd.isEmpty { return 0 }
    var wait = limit
    if let deadline = timers.earliest {
      let current = Self.clock()
      wait = min(wait, deadline > current ? deadline - current : 0)
    }
    return wait == .max ? -1 : Int32(min((wait / 1_000_000) + (wait % 1_000_000 == 0 ? 0 : 1), 1_000_000))
  }
}
