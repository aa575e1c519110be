import CLinux
import Glibc

/// What inotify says happened.
struct InotifyEvent: Equatable {
  /// The watch that saw it; -1 for an overflow.
  var watch: Int32
  /// `IN_` bits.
  var mask: UInt32
  /// The name in the watched directory; empty for the directory itself.
  var name: String

  func has(_ bits: Int32) -> Bool { mask & UInt32(bits) != 0 }
  /// Whether it is about a directory.
  var isDirectory: Bool { has(IN_ISDIR) }
  /// Whether a name came or went, so that the way through it may lead elsewhere now.
  var isStructural: Bool { has(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO) }
  /// Whether the watched directory itself is gone from its place.
  var isLoss: Bool { has(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT) }
}

/// The kernel's queue of file events.
final class Inotify {
  /// Non-blocking; -1 if the kernel gave none.
  private(set) var descriptor: Int32 = -1
  /// For tests: the `errno` that every further watch fails with.
  var refusal: Int32?

  init(opening: Bool = true) { if opening { open() } }

  /// Asks the kernel for a queue, if there is none yet.
  func open() {
    if descriptor < 0 { descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Watches a directory; one that is watched already gets the additional bits. The watch, or an `errno`.
  func add(_ directory: String, mask: UInt32) -> Result<Int32, SystemRefusal> {
    if let refusal { return .failure(SystemRefusal(number: refusal)) }
    if descriptor < 0 { return .failure(SystemRefusal(number: EMFILE)) }
    let bits = mask | UInt32(IN_ONLYDIR) | UInt32(IN_EXCL_UNLINK) | UInt32(IN_MASK_ADD)
    let watch = inotify_add_watch(descriptor, directory, bits)
    return watch >= 0 ? .success(watch) : .failure(SystemRefusal(number: errno))
  }

  func remove(_ watch: Int32) { _ = inotify_rm_watch(descriptor, watch) }

  /// Everything that is queued now; empty when there is nothing. What is queued while this reads is left for the next
  /// time: somebody who never stops writing must not hold `nacre` here.
  func read() -> [InotifyEvent] {
    guard descriptor >= 0 else { return [] }
    var events: [InotifyEvent] = []
    var queued = Int(cl_readable_bytes(descriptor))
    withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
      while queued > 0 {
        let count = Glibc.read(descriptor, buffer.baseAddress!, buffer.count)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { return }
        queued -= count
        Self.parse(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)), into: &events)
      }
    }
    return events
  }

  private static func parse(_ bytes: UnsafeRawBufferPointer, into events: inout [InotifyEvent]) {
    let header = MemoryLayout<inotify_event>.size
    var offset = 0
    while offset + header <= bytes.count {
      let event = bytes.loadUnaligned(fromByteOffset: offset, as: RawEvent.self)
      let name = bytes[(offset + header)..<(offset + header + Int(event.length))].prefix { $0 != 0 }
      events.append(InotifyEvent(watch: event.watch, mask: event.mask, name: String(decoding: name, as: UTF8.self)))
      offset += header + Int(event.length)
    }
  }

  /// `struct inotify_event` without its flexible array.
  private struct RawEvent {
    var watch: Int32
    var mask: UInt32
    var cookie: UInt32
    var length: UInt32
  }
}

/// An `errno` of `inotify_add_watch`.
struct SystemRefusal: Error, Equatable {
  var number: Int32
  /// Whether the directory is simply not there.
  var meansGone: Bool { number == ENOENT || number == ENOTDIR || number == ELOOP || number == ENAMETOOLONG }
}

/// The sets of events that are asked for.
enum EventMask {
  /// Names that come and go. Enough for directories that only lie on the way.
  static let names: UInt32 =
    UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO) | UInt32(IN_DELETE_SELF)
    | UInt32(IN_MOVE_SELF) | UInt32(IN_ATTRIB)
  /// Also finished writes. Enough for directories with pattern files: a log file that stays open costs nothing.
  static let saves: UInt32 = names | UInt32(IN_CLOSE_WRITE)
  /// Also each single write.
  static let writes: UInt32 = saves | UInt32(IN_MODIFY)
}
