import CLinux
import Glibc

/// What a worker is doing, as its scoreboard cell shows it.
public enum WorkerPhase: UInt64, Sendable {
  /// Not yet ready, or gone.
  case starting = 0
  /// Waiting for a connection.
  case idle
  /// Has claimed a connection and not yet begun a request on it, or has finished one and looks for the next.
  case betweenRequests
  /// Reads or runs a request; no byte of the response has been sent.
  case inRequest
  /// Bytes of the response have been sent.
  case responding
  /// Has given the connection back and runs the request's cleanup handlers.
  case cleaningUp
}

/// The shared memory in which `nacre` and its Perl processes show each other what they do.
///
/// Layout (bytes): a page of words; ``cellCount`` cells of ``cellSize`` bytes, one for each Perl process that loads
/// or serves; then a claim word (8 bytes) for each connection slot. Every word is read and written atomically.
public struct Scoreboard: @unchecked Sendable {
  /// The number of cells.
  public static let cellCount = 1024
  /// The size of a cell in bytes.
  public static let cellSize = 2048
  /// The longest request that a cell can name, in bytes.
  static let requestCapacity = 480
  /// The longest path that a cell's location can hold, in bytes.
  public static let locationCapacity = 400
  private static let magic: UInt64 = 0x4e41_4352_4530_0004
  private static let cellsOffset = 4096
  private static let claimsOffset = cellsOffset + cellCount * cellSize

  private let base: UnsafeMutableRawPointer
  /// The number of connection slots.
  public let slotCount: Int
  /// The memfd behind the memory, close-on-exec; give it to the base under a number of its own.
  public let descriptor: Int32

  /// Makes new shared memory, or nil with `errno` set.
  public init?(slotCount: Int) {
    let fd = cl_memfd("nacre-scoreboard")
    let size = Self.claimsOffset + slotCount * 8
    guard fd >= 0, ftruncate(fd, off_t(size)) == 0, let memory = Self.map(fd, size) else { return nil }
    self.init(base: memory, slotCount: slotCount, descriptor: fd)
    word(0).pointee = Self.magic
    word(1).pointee = UInt64(slotCount)
    for slot in 0..<slotCount {
      claim(slot).pointee = ClaimWord(serial: 0, epoch: 0, owner: ClaimWord.switchboard).rawValue
    }
  }

  /// Maps what another process made; nil if it is not a scoreboard of this version.
  public init?(descriptor: Int32) {
    guard let page = Self.map(descriptor, 4096) else { return nil }
    let words = page.assumingMemoryBound(to: UInt64.self)
    let (magic, slotCount) = (words[0], Int(words[1]))
    munmap(page, 4096)
    guard magic == Self.magic, let memory = Self.map(descriptor, Self.claimsOffset + slotCount * 8) else { return nil }
    self.init(base: memory, slotCount: slotCount, descriptor: descriptor)
  }

  private init(base: UnsafeMutableRawPointer, slotCount: Int, descriptor: Int32) {
    self.base = base
    self.slotCount = slotCount
    self.descriptor = descriptor
  }

  private static func map(_ fd: Int32, _ size: Int) -> UnsafeMutableRawPointer? {
    let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
    return memory == MAP_FAILED ? nil : memory
  }

  private func word(_ index: Int) -> UnsafeMutablePointer<UInt64> {
    (base + index * 8).assumingMemoryBound(to: UInt64.self)
  }

  /// The generation that answers requests from now on; 0 while there is none.
  public var publishedGeneration: UInt64 {
    get { cl_load64(word(8)) }
    nonmutating set { cl_store64(word(8), newValue) }
  }

  /// Not 0 while the supervisor has read events from inotify and not yet published what they mean.
  public var examining: UInt64 {
    get { cl_load64(word(16)) }
    nonmutating set { cl_store64(word(16), newValue) }
  }

  /// The connections that have a request and no worker: waiting in the switchboard, or lent and unclaimed.
  public var waiting: Int64 {
    get { Int64(bitPattern: cl_load64(word(24))) }
    nonmutating set { cl_store64(word(24), UInt64(bitPattern: newValue)) }
  }

  /// Counts one connection in (+1) or out (-1) of ``waiting``.
  public func addWaiting(_ delta: Int64) { _ = cl_add64(word(24), delta) }

  /// How often the access log was to be opened anew.
  public var logEpoch: UInt64 {
    get { cl_load64(word(32)) }
    nonmutating set { cl_store64(word(32), newValue) }
  }

  /// The claim word of a connection slot.
  public func claim(_ slot: Int) -> UnsafeMutablePointer<UInt64> {
    precondition(slot >= 0 && slot < slotCount)
    return (base + Self.claimsOffset + slot * 8).assumingMemoryBound(to: UInt64.self)
  }

  /// A process's cell.
  public func cell(_ index: Int) -> ScoreboardCell {
    precondition(index >= 0 && index < Self.cellCount)
    return ScoreboardCell(base: base + Self.cellsOffset + index * Self.cellSize)
  }
}

/// One Perl process's place on the ``Scoreboard``. Written by that process, read by `nacre`.
public struct ScoreboardCell: @unchecked Sendable {
  /// Words: 0 phase, 1 slot + 1, 2 requests, 3 since, 4 condemned; 8 line, 9 path length; from byte 80 the path. Word 64: length of
  /// the request's name; from byte 520 the name. From byte 1024 what
  /// ``counts`` tells.
  let base: UnsafeMutableRawPointer

  private func word(_ index: Int) -> UnsafeMutablePointer<UInt64> {
    (base + index * 8).assumingMemoryBound(to: UInt64.self)
  }

  /// Empties the cell for a new process.
  public func clear() { memset(base, 0, Scoreboard.cellSize) }

  /// What the worker is doing.
  public var phase: WorkerPhase {
    get { WorkerPhase(rawValue: cl_load64(word(0))) ?? .starting }
    nonmutating set { cl_store64(word(0), newValue.rawValue) }
  }

  /// The connection slot in hand, or nil.
  public var slot: Int? {
    get {
      let stored = cl_load64(word(1))
      return stored == 0 ? nil : Int(clamping: stored - 1)
    }
    nonmutating set { cl_store64(word(1), UInt64((newValue ?? -1) + 1)) }
  }

  /// The requests served since the worker began.
  public var requests: UInt64 {
    get { cl_load64(word(2)) }
    nonmutating set { cl_store64(word(2), newValue) }
  }

  /// When the request in hand began: nanoseconds of `CLOCK_MONOTONIC`, 0 when there is none.
  public var since: UInt64 {
    get { cl_load64(word(3)) }
    nonmutating set { cl_store64(word(3), newValue) }
  }

  /// Names the request in hand: its method and its path.
  public func setRequest(_ method: UnsafeRawBufferPointer, _ path: UnsafeRawBufferPointer) {
    let name = UnsafeMutableRawBufferPointer(start: base + 520, count: Scoreboard.requestCapacity)
    let first = min(method.count, name.count - 1)
    name.copyMemory(from: UnsafeRawBufferPointer(rebasing: method[..<first]))
    name[first] = UInt8(ascii: " ")
    let second = min(path.count, name.count - first - 1)
    UnsafeMutableRawBufferPointer(rebasing: name[(first + 1)...]).copyMemory(
      from: UnsafeRawBufferPointer(rebasing: path[..<second]))
    cl_store64(word(64), UInt64(first + 1 + second))
  }

  /// The method and the path of the request in hand, or of the last one; nil before the first.
  public var request: String? {
    let count = min(Int(clamping: cl_load64(word(64))), Scoreboard.requestCapacity)
    guard count > 0 else { return nil }
    return String(decoding: UnsafeRawBufferPointer(start: base + 520, count: count), as: UTF8.self)
  }

  /// When the request began that is not to go on: it waits for its end where `SIGUSR2` meets it. 0 for none.
  public var condemned: UInt64 {
    get { cl_load64(word(4)) }
    nonmutating set { cl_store64(word(4), newValue) }
  }

  /// Where ``since`` and ``condemned`` lie, for the signal handler.
  public var requestMemory: (since: UnsafeMutablePointer<UInt64>, condemned: UnsafeMutablePointer<UInt64>) {
    (word(3), word(4))
  }

  /// Forgets the location, so that the next one is seen to be new.
  public func clearLocation() { cl_store64(word(9), 0) }

  /// Where the process was in its Perl code when it was last asked or when it fell: the line (from 1) and the file.
  public var location: (file: String, line: UInt32)? {
    let count = min(Int(clamping: cl_load64(word(9))), Scoreboard.locationCapacity)
    guard count > 0 else { return nil }
    let bytes = UnsafeRawBufferPointer(start: base + 80, count: count)
    return (String(decoding: bytes, as: UTF8.self), UInt32(truncatingIfNeeded: cl_load64(word(8))))
  }

  /// Where the location is written: line and path length (words), path (``Scoreboard/locationCapacity`` bytes).
  /// For the signal handler of a loading process, which may do no more than store.
  public var locationMemory:
    (line: UnsafeMutablePointer<UInt64>, count: UnsafeMutablePointer<UInt64>, path: UnsafeMutableRawPointer)
  { (word(8), word(9), base + 80) }
}
